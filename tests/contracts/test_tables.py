"""The program's tables are those of the contract, and no index is ever changed in place."""

from typing import Any

from contract.tables import TABLES, Index, Table
from program.engine import Engine
from tests.contracts.permission_table import PREFIX

# The keys and the projection of every index there is. An index that changes is deleted and created
# again under its name, and queries fail meanwhile: a new definition gets a new name and a new row,
# and the old one is removed a release later.
INDEXES = {
    "active-sessions-index": (
        "sessions: activeShard, sessionId",
        "broadcastState createdAt endReason endedAt expiresAt listenerCount listenersByLanguage"
        " membershipChangedAt membershipVersion sourceLanguage speakerConnectionId speakerLostAt"
        " statusRequestedAt",
    ),
    "sessionId-targetLanguage-index": ("connections: sessionId, targetLanguage", "ttl"),
}


def declared(engine: Engine) -> dict[str, dict[str, Any]]:
    return {
        each["name"].removeprefix(f"{PREFIX}-"): each for each in engine.inputs("dynamodb/table")
    }


def index_inputs(index: Index) -> dict[str, Any]:
    return {
        "name": index.name,
        "keySchemas": [
            {"attributeName": index.hash_key, "keyType": "HASH"},
            {"attributeName": index.range_key, "keyType": "RANGE"},
        ],
        "projectionType": "INCLUDE",
        "nonKeyAttributes": list(index.projected),
    }


def ttl_inputs(table: Table) -> dict[str, Any] | None:
    if table.ttl_attribute is None:
        return None
    return {"attributeName": table.ttl_attribute, "enabled": True}


def test_the_programs_tables_are_those_of_the_contract(engine: Engine):
    tables = declared(engine)
    assert tables.keys() == {table.name for table in TABLES}
    for table in TABLES:
        inputs = tables[table.name]
        assert inputs["hashKey"] == table.hash_key
        assert inputs.get("rangeKey") == table.range_key
        assert {each["name"]: each["type"] for each in inputs["attributes"]} == table.key_types
        assert inputs["globalSecondaryIndexes"] == [index_inputs(each) for each in table.indexes]
        assert inputs.get("ttl") == ttl_inputs(table)


def test_no_index_is_changed_in_place(engine: Engine):
    found = {
        index["name"]: (
            f"{table}: {', '.join(key['attributeName'] for key in index['keySchemas'])}",
            " ".join(sorted(index["nonKeyAttributes"])),
        )
        for table, inputs in declared(engine).items()
        for index in inputs["globalSecondaryIndexes"]
    }
    assert found == INDEXES


def test_key_attributes_are_those_of_the_keys_and_no_other():
    for table in TABLES:
        keys = set(table.key)
        keys |= {key for index in table.indexes for key in (index.hash_key, index.range_key)}
        assert table.key_types.keys() == keys, table.name
