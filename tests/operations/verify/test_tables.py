"""Tables as DynamoDB returns them."""

from typing import Any

import pytest

from operations.verify.checks.tables import TABLE, tables
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared, missing

INPUTS = {
    "name": "connections",
    "hashKey": "connectionId",
    "billingMode": "PAY_PER_REQUEST",
    "deletionProtectionEnabled": True,
    "serverSideEncryption": {"enabled": True},
    "pointInTimeRecovery": {"enabled": True},
    "ttl": {"attributeName": "ttl", "enabled": True},
    "globalSecondaryIndexes": [
        {
            "name": "by-session",
            "keySchemas": [
                {"keyType": "HASH", "attributeName": "sessionId"},
                {"keyType": "RANGE", "attributeName": "targetLanguage"},
            ],
            "projectionType": "INCLUDE",
            "nonKeyAttributes": ["ttl", "role"],
        }
    ],
}
INDEX = {
    "IndexName": "by-session",
    "IndexStatus": "ACTIVE",
    "KeySchema": [
        {"AttributeName": "sessionId", "KeyType": "HASH"},
        {"AttributeName": "targetLanguage", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["role", "ttl"]},
}
LIVE = {
    "TableStatus": "ACTIVE",
    "DeletionProtectionEnabled": True,
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "SSEDescription": {"Status": "ENABLED"},
    "KeySchema": [{"AttributeName": "connectionId", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [INDEX],
}


def verdict(
    change: dict[str, Any] | None = None,
    *,
    ttl: dict[str, str] | None = None,
    recovery: str = "ENABLED",
) -> Verdict:
    expiry = {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"} if ttl is None else ttl
    backups = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": recovery}}
    aws = Service(
        describe_table={"Table": LIVE | (change or {})},
        describe_time_to_live={"TimeToLiveDescription": expiry},
        describe_continuous_backups={"ContinuousBackupsDescription": backups},
    )
    table = declared(TABLE, "connections-table", **INPUTS)
    [verdict] = tables(context_of(table, client=lambda service: aws))
    return verdict


def test_a_table_as_declared_is_right() -> None:
    assert verdict().result is Result.RIGHT
    enabling = {"TimeToLiveStatus": "ENABLING", "AttributeName": "ttl"}
    assert verdict(ttl=enabling).result is Result.RIGHT


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"TableStatus": "ARCHIVED"}, "TableStatus is 'ARCHIVED'"),
        ({"DeletionProtectionEnabled": False}, "DeletionProtectionEnabled is False"),
        ({"BillingModeSummary": {}}, "billing mode is 'PROVISIONED'"),
        ({"SSEDescription": {}}, "KMS encryption is False"),
        ({"KeySchema": []}, "keys is []"),
        ({"GlobalSecondaryIndexes": []}, "indexes is []"),
        ({"GlobalSecondaryIndexes": [INDEX | {"IndexStatus": "CREATING"}]}, "index by-session is"),
        (
            {"GlobalSecondaryIndexes": [INDEX | {"Projection": {"ProjectionType": "ALL"}}]},
            "index by-session is",
        ),
    ],
)
def test_a_property_that_differs_is_reported(change: dict[str, Any], seen: str) -> None:
    found = verdict(change)
    assert (found.subject, found.result) == ("table connections", Result.WRONG)
    assert found.seen.startswith(seen)
    assert found.way_out


def test_disabled_ttl_and_recovery_are_reported() -> None:
    off = {"TimeToLiveStatus": "DISABLED"}
    assert verdict(ttl=off).seen == "TTL attribute is None, declared is 'ttl'"
    assert verdict(recovery="DISABLED").seen.startswith("point-in-time recovery is 'DISABLED'")


def test_a_missing_table_is_reported() -> None:
    aws = Service(describe_table=missing)
    table = declared(TABLE, "connections-table", **INPUTS)
    [found] = tables(context_of(table, client=lambda service: aws))
    assert (found.result, found.seen) == (Result.WRONG, "does not exist")
