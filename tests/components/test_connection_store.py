import pytest

from components.connection_store import ConnectionStore
from program.engine import Engine
from tests.components import stack_parts


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()
    engine.run(lambda: stack_parts.store(deletion_protection=True))
    return engine


def test_there_are_three_tables_named_after_the_stack(engine: Engine):
    assert {each["name"] for each in engine.inputs("dynamodb/table")} == {
        "live-sessions-test-sessions",
        "live-sessions-test-connections",
        "live-sessions-test-rate-limits",
    }


def test_every_table_is_on_demand_encrypted_recoverable_and_protected(engine: Engine):
    for table in engine.of_type("dynamodb/table").values():
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
        assert table.inputs["serverSideEncryption"] == {"enabled": True}
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
        assert table.inputs["deletionProtectionEnabled"] is True
        assert (table.protect, table.retain_on_delete) == (True, True), table.name


def test_without_protection_tables_are_deleted_with_the_stack():
    engine = Engine()
    engine.run(stack_parts.store)
    for table in engine.of_type("dynamodb/table").values():
        assert table.inputs["deletionProtectionEnabled"] is False
        assert (table.protect, table.retain_on_delete) == (False, False), table.name


@pytest.mark.parametrize(
    ("table", "hash_key", "ttl"),
    [
        ("store-sessions", "sessionId", "ttl"),
        ("store-connections", "connectionId", "ttl"),
        ("store-rate-limits", "identifier", "ttl"),
    ],
)
def test_tables_have_one_key_and_their_items_expire(
    engine: Engine, table: str, hash_key: str, ttl: str
):
    inputs = engine.of_type("dynamodb/table")[table].inputs
    assert inputs["hashKey"] == hash_key
    assert "rangeKey" not in inputs
    assert inputs["ttl"] == {"attributeName": ttl, "enabled": True}


def test_active_sessions_are_indexed_by_shard_with_what_a_status_push_needs(engine: Engine):
    inputs = engine.of_type("dynamodb/table")["store-sessions"].inputs
    assert inputs["attributes"] == [
        {"name": "sessionId", "type": "S"},
        {"name": "activeShard", "type": "N"},
    ]
    (index,) = inputs["globalSecondaryIndexes"]
    projected = index.pop("nonKeyAttributes")
    assert index == {
        "name": "active-sessions-index",
        "keySchemas": [
            {"attributeName": "activeShard", "keyType": "HASH"},
            {"attributeName": "sessionId", "keyType": "RANGE"},
        ],
        "projectionType": "INCLUDE",
    }
    assert set(projected) == {
        *("speakerConnectionId", "sourceLanguage", "listenerCount", "listenersByLanguage"),
        *("broadcastState", "createdAt", "expiresAt", "endedAt", "endReason", "statusRequestedAt"),
        *("membershipVersion", "membershipChangedAt", "speakerLostAt"),
    }


def test_listeners_are_indexed_by_session_and_language_with_their_ttl(engine: Engine):
    inputs = engine.of_type("dynamodb/table")["store-connections"].inputs
    assert inputs["globalSecondaryIndexes"] == [
        {
            "name": "sessionId-targetLanguage-index",
            "keySchemas": [
                {"attributeName": "sessionId", "keyType": "HASH"},
                {"attributeName": "targetLanguage", "keyType": "RANGE"},
            ],
            "projectionType": "INCLUDE",
            "nonKeyAttributes": ["ttl"],
        }
    ]


def test_a_grant_has_exactly_the_actions_asked_for_and_the_tables_name():
    store = made_store()
    sessions = store.sessions("Read", "GetItem", "UpdateItem")
    (statement,) = sessions.statements
    assert statement.actions == ("dynamodb:GetItem", "dynamodb:UpdateItem")
    assert statement.condition is None
    assert sessions.variables == {"SESSIONS_TABLE": store.sessions_table}
    connections = store.connections("Delete", "DeleteItem")
    assert connections.variables == {"CONNECTIONS_TABLE": store.connections_table}


def test_an_update_may_be_limited_to_attributes():
    (noting,) = made_store().updating_sessions("Note", "sessionId").statements
    assert noting.actions == ("dynamodb:UpdateItem",)
    assert noting.condition == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["sessionId"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }


def test_rates_are_counted_and_indexes_are_queried_and_nothing_else():
    store = made_store()
    (count,) = store.counting_rates().statements
    assert count.actions == ("dynamodb:UpdateItem",)
    assert store.counting_rates().variables == {"RATE_LIMITS_TABLE": store.rate_limits_table}
    for query, variable in (
        (store.querying_active_sessions(), "SESSIONS_TABLE"),
        (store.querying_listeners(), "CONNECTIONS_TABLE"),
    ):
        assert [each.actions for each in query.statements] == [("dynamodb:Query",)]
        assert set(query.variables) == {variable}


def made_store() -> ConnectionStore:
    made: list[ConnectionStore] = []
    Engine().run(lambda: made.append(stack_parts.store()))
    return made[0]
