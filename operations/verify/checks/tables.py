"""The tables: keys, indexes, TTL, encryption, recovery and deletion protection."""

from collections.abc import Iterator, Mapping
from typing import Any

from operations.verify.context import ABSENT, Context, compare_each
from operations.verify.verdicts import Verdict, differences

TABLE = "aws:dynamodb/table:Table"
# Enabling TTL may take an hour.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
EXPIRING = ("ENABLED", "ENABLING")


def tables(context: Context) -> Iterator[Verdict]:
    """Compare each table with its declaration."""
    dynamodb = context.deployment.client("dynamodb")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        try:
            live = dynamodb.describe_table(TableName=name)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return ABSENT
        declared = {**_declared(inputs), **_protection_declared(inputs)}
        return differences(declared, {**_shape(live), **_protection(dynamodb, name)})

    what = "keys, indexes, TTL, encryption, recovery, deletion protection"
    return compare_each(context, TABLE, "table", fault, if_right=f"as declared: {what}")


def _declared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    indexes = inputs.get("globalSecondaryIndexes") or []
    return {
        "TableStatus": "ACTIVE",
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
        "billing mode": inputs.get("billingMode", "PROVISIONED"),
        "KMS encryption": inputs.get("serverSideEncryption", {}).get("enabled", False),
        "keys": _keys_declared(inputs),
        "indexes": sorted(each["name"] for each in indexes),
        **{
            f"index {each['name']}": (
                "ACTIVE",
                _keys_declared(each),
                each["projectionType"],
                sorted(each.get("nonKeyAttributes") or []),
            )
            for each in indexes
        },
    }


def _shape(live: Mapping[str, Any]) -> dict[str, Any]:
    """The live table, as `_declared` has it; DynamoDB omits what a table lacks."""
    indexes = live.get("GlobalSecondaryIndexes", [])
    encrypted = live.get("SSEDescription", {}).get("Status") in ("ENABLED", "UPDATING")
    return {
        "TableStatus": live["TableStatus"],
        "DeletionProtectionEnabled": live.get("DeletionProtectionEnabled", False),
        "billing mode": live.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "KMS encryption": encrypted,
        "keys": _keys(live["KeySchema"]),
        "indexes": sorted(each["IndexName"] for each in indexes),
        **{
            f"index {each['IndexName']}": (
                each["IndexStatus"],
                _keys(each["KeySchema"]),
                each["Projection"]["ProjectionType"],
                sorted(each["Projection"].get("NonKeyAttributes", [])),
            )
            for each in indexes
        },
    }


def _protection_declared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    expiry = inputs.get("ttl") or {}
    recovery = inputs.get("pointInTimeRecovery") or {}
    return {
        "TTL attribute": expiry["attributeName"] if expiry.get("enabled") else None,
        "point-in-time recovery": "ENABLED" if recovery.get("enabled") else "DISABLED",
    }


def _protection(dynamodb: Any, name: str) -> dict[str, Any]:
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    expires = expiry.get("TimeToLiveStatus") in EXPIRING
    return {
        "TTL attribute": expiry.get("AttributeName") if expires else None,
        "point-in-time recovery": recovery.get("PointInTimeRecoveryStatus", "DISABLED"),
    }


def _keys_declared(block: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pulumi declares a table's keys as two inputs, and an index's also as a list."""
    if schema := block.get("keySchemas"):
        return sorted((each["keyType"], each["attributeName"]) for each in schema)
    keys = (("HASH", block["hashKey"]), ("RANGE", block.get("rangeKey")))
    return [(kind, name) for kind, name in keys if name]


def _keys(schema: list[dict[str, str]]) -> list[tuple[str, str]]:
    return sorted((each["KeyType"], each["AttributeName"]) for each in schema)
