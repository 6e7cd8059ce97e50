"""Pulumi's aws.cloudwatch: alarms, dashboards, log groups, EventBridge rules and their targets."""

from client.account import Account
from local.deployer.resource import Created, DeployError, Kind, Resource

# Inputs that local/alarms/ does not evaluate.
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


def create_log_group(account: Account, resource: Resource) -> Created:
    client = account.client("logs")
    name = resource.physical_name
    options = {
        key: resource.inputs[key] for key in ("kmsKeyId", "logGroupClass") if key in resource.inputs
    }
    client.create_log_group(logGroupName=name, tags=resource.tags, **options)
    if days := resource.inputs.get("retentionInDays"):
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": f"arn:aws:logs:{account.region}:{account.account_id}:log-group:{name}",
            "tagsAll": resource.tags,
        },
    )


def put_rule(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    request = {"State": "ENABLED", **resource.request(without=("name", "forceDestroy"))}
    answer = account.client("events").put_rule(Name=name, Tags=resource.tag_list, **request)
    return Created(
        id=name,
        outputs={"name": name, "arn": answer["RuleArn"], "tagsAll": resource.tags},
    )


def put_target(account: Account, resource: Resource) -> Created:
    rule = resource.inputs["rule"]
    target_id = resource.inputs.get("targetId", resource.name)
    target = resource.request(
        without=("rule", "targetId", "eventBusName", "forceDestroy"),
        inputPaths="InputPathsMap",
        sqsTarget="SqsParameters",
    )
    bus = resource.inputs.get("eventBusName", "default")
    answer = account.client("events").put_targets(
        Rule=rule, EventBusName=bus, Targets=[{"Id": target_id, **target}]
    )
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        raise DeployError(f"target {target_id} of rule {rule} was not accepted: {failed}")
    return Created(id=f"{rule}-{target_id}", outputs={"targetId": target_id})


def _check_evaluated(resource: Resource) -> None:
    unsupported = [name for name in NOT_EVALUATED if resource.inputs.get(name)]
    if not resource.inputs.get("dimensions"):
        unsupported.append("no dimensions")
    if unsupported:
        raise DeployError(
            f"the alarm {resource.name!r} has {', '.join(unsupported)}: the local cloud "
            "evaluates alarms of one metric by its dimensions; extend local/alarms/, or declare "
            "the alarm so"
        )


KINDS = {
    "aws:cloudwatch/eventRule:EventRule": Kind(put_rule, update=put_rule),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(put_target, update=put_target),
    "aws:cloudwatch/logGroup:LogGroup": Kind(create_log_group),
    "aws:cloudwatch/dashboard:Dashboard": Kind(put_dashboard, update=put_dashboard),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(put_metric_alarm, update=put_metric_alarm),
}
