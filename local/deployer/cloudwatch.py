"""CloudWatch alarms."""

from local.account import Account
from local.deployer.resource import Created, Kind, Resource


def put_metric_alarm(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    request = resource.request(without=("name", "dimensions"))
    if dimensions := resource.inputs.get("dimensions"):
        request["Dimensions"] = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=resource.tag_list, **request)
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:{name}",
            "tagsAll": resource.tags,
        },
    )


KINDS = {"aws:cloudwatch/metricAlarm:MetricAlarm": Kind(put_metric_alarm, update=put_metric_alarm)}
