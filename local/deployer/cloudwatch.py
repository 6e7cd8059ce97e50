"""CloudWatch alarms and dashboards."""

from client.account import Account
from local.deployer.resource import Created, DeployError, Kind, Resource

# What local/alarms/ does not evaluate.
NOT_EVALUATED = ("metricQueries", "thresholdMetricId", "unit", "evaluateLowSampleCountPercentiles")


def put_metric_alarm(account: Account, resource: Resource) -> Created:
    _check_evaluated(resource)
    name = resource.physical_name
    request = resource.request(without=("name", "dimensions"), okActions="OKActions")
    request["Dimensions"] = [
        {"Name": key, "Value": value} for key, value in resource.inputs["dimensions"].items()
    ]
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=resource.tag_list, **request)
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:{name}",
            "tagsAll": resource.tags,
        },
    )


def put_dashboard(account: Account, resource: Resource) -> Created:
    name = resource.inputs["dashboardName"]
    account.client("cloudwatch").put_dashboard(**resource.request())
    arn = f"arn:aws:cloudwatch::{account.account_id}:dashboard/{name}"
    return Created(id=name, outputs={"dashboardArn": arn})


def _check_evaluated(resource: Resource) -> None:
    odd = [name for name in NOT_EVALUATED if resource.inputs.get(name)]
    if not resource.inputs.get("dimensions"):
        odd.append("no dimensions")
    if odd:
        raise DeployError(
            f"the alarm {resource.name!r} has {', '.join(odd)}: the local cloud evaluates alarms "
            "of one metric by its dimensions; teach local/alarms/ more, or declare it so"
        )


KINDS = {
    "aws:cloudwatch/dashboard:Dashboard": Kind(put_dashboard, update=put_dashboard),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(put_metric_alarm, update=put_metric_alarm),
}
