"""KMS keys and their aliases."""

from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource

# Set by a call of its own, or needed for the deletion alone.
APART = ("enableKeyRotation", "rotationPeriodInDays", "deletionWindowInDays")


def create_key(account: Account, resource: Resource) -> Created:
    client = account.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in resource.tags.items()]
    request = resource.request(without=APART, customerMasterKeySpec="KeySpec")
    key = client.create_key(Tags=tags, **request)["KeyMetadata"]
    _set_rotation(client, resource, key["KeyId"])
    return Created(
        id=key["KeyId"],
        outputs={"keyId": key["KeyId"], "arn": key["Arn"], "tagsAll": resource.tags},
    )


def create_alias(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    account.client("kms").create_alias(AliasName=name, TargetKeyId=resource.inputs["targetKeyId"])
    return _alias(account, name)


def update_alias(account: Account, resource: Resource) -> Created:
    name = resource.inputs["name"]
    account.client("kms").update_alias(AliasName=name, TargetKeyId=resource.inputs["targetKeyId"])
    return _alias(account, name)


def _set_rotation(client: Any, resource: Resource, key_id: str) -> None:
    if resource.inputs.get("enableKeyRotation"):
        days = resource.inputs.get("rotationPeriodInDays")
        period = {"RotationPeriodInDays": days} if days else {}
        client.enable_key_rotation(KeyId=key_id, **period)


def _alias(account: Account, name: str) -> Created:
    key = account.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    arn = f"arn:aws:kms:{account.region}:{account.account_id}:{name}"
    return Created(id=name, outputs={"name": name, "arn": arn, "targetKeyArn": key["Arn"]})


KINDS = {
    "aws:kms/alias:Alias": Kind(create_alias, update=update_alias),
    "aws:kms/key:Key": Kind(create_key),
}
