"""The tables: keys and indexes, what expires, and what guards them against loss."""

from collections.abc import Iterator, Mapping
from typing import Any

from operations.verify.context import ABSENT, Context, compare_each
from operations.verify.verdicts import Verdict, differences

TABLE = "aws:dynamodb/table:Table"
# A change of TTL may take an hour, and holds from then on.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
EXPIRING = ("ENABLED", "ENABLING")


def tables(context: Context) -> Iterator[Verdict]:
    dynamodb = context.deployment.client("dynamodb")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        try:
            live = dynamodb.describe_table(TableName=name)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return ABSENT
        declared = {**_declared(inputs), **_guards_declared(inputs)}
        return differences(declared, {**_shape(live), **_guards(dynamodb, name)})

    what = "keys, indexes, expiry, recovery, protection"
    return compare_each(context, TABLE, "table", fault, if_right=f"as declared: {what}")


def _declared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    indexes = inputs.get("globalSecondaryIndexes") or []
    return {
        "TableStatus": "ACTIVE",
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
        "billing mode": inputs.get("billingMode", "PROVISIONED"),
        "own key of KMS": inputs.get("serverSideEncryption", {}).get("enabled", False),
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
    """As `_declared`; DynamoDB leaves out what a table has not."""
    indexes = live.get("GlobalSecondaryIndexes", [])
    encrypted = live.get("SSEDescription", {}).get("Status") in ("ENABLED", "UPDATING")
    return {
        "TableStatus": live["TableStatus"],
        "DeletionProtectionEnabled": live.get("DeletionProtectionEnabled", False),
        "billing mode": live.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "own key of KMS": encrypted,
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


def _guards_declared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    expiry = inputs.get("ttl") or {}
    recovery = inputs.get("pointInTimeRecovery") or {}
    return {
        "expires by": expiry["attributeName"] if expiry.get("enabled") else None,
        "point-in-time recovery": "ENABLED" if recovery.get("enabled") else "DISABLED",
    }


def _guards(dynamodb: Any, name: str) -> dict[str, Any]:
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    expires = expiry.get("TimeToLiveStatus") in EXPIRING
    return {
        "expires by": expiry.get("AttributeName") if expires else None,
        "point-in-time recovery": recovery.get("PointInTimeRecoveryStatus", "DISABLED"),
    }


def _keys_declared(block: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pulumi takes a table's keys by two names, an index's also as a list."""
    if schema := block.get("keySchemas"):
        return sorted((each["keyType"], each["attributeName"]) for each in schema)
    keys = (("HASH", block["hashKey"]), ("RANGE", block.get("rangeKey")))
    return [(kind, name) for kind, name in keys if name]


def _keys(schema: list[dict[str, str]]) -> list[tuple[str, str]]:
    return sorted((each["KeyType"], each["AttributeName"]) for each in schema)
