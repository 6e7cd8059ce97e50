"""EventBridge rules and their targets."""

from client.account import Account
from local.deployer.resource import Created, DeployError, Kind, Resource


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
        raise DeployError(f"rule {rule} refuses target {target_id}: {failed}")
    return Created(id=f"{rule}-{target_id}", outputs={"targetId": target_id})


KINDS = {
    "aws:cloudwatch/eventRule:EventRule": Kind(put_rule, update=put_rule),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(put_target, update=put_target),
}
