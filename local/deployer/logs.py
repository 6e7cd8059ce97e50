"""CloudWatch log groups."""

from client.account import Account
from local.deployer.resource import Created, Kind, Resource


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


KINDS = {"aws:cloudwatch/logGroup:LogGroup": Kind(create_log_group)}
