"""The tables that the handlers' tests use are those that the program declares."""

import ast
from pathlib import Path
from typing import Any

from program.engine import Engine
from tests.contracts.permission_table import PREFIX
from tests.contracts.route_table import ROUTES

CONFTEST = Path(__file__).resolve().parents[1] / "handlers" / "conftest.py"


def written_there(name: str) -> Any:
    """A literal of the handlers' conftest, which is not imported: it changes the environment."""
    for node in ast.parse(CONFTEST.read_text()).body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            (target,) = node.targets
        if isinstance(target, ast.Name) and target.id == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"{CONFTEST.name} has no {name}")


def as_requested(table: dict[str, Any]) -> dict[str, Any]:
    """What DynamoDB is asked for, as a request of its API has it."""
    return {
        "TableName": table["name"].removeprefix(f"{PREFIX}-"),
        "KeySchema": [{"AttributeName": table["hashKey"], "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]}
            for each in table["attributes"]
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index["name"],
                "KeySchema": [
                    {"AttributeName": key["attributeName"], "KeyType": key["keyType"]}
                    for key in index["keySchemas"]
                ],
                "Projection": {
                    "ProjectionType": index["projectionType"],
                    "NonKeyAttributes": sorted(index["nonKeyAttributes"]),
                },
            }
            for index in table["globalSecondaryIndexes"]
        ],
        "BillingMode": table["billingMode"],
    }


def test_the_handlers_tests_have_the_programs_tables(engine: Engine):
    there = {each["TableName"]: each for each in written_there("TABLES")}
    for table in there.values():
        for index in table.setdefault("GlobalSecondaryIndexes", []):
            index["Projection"]["NonKeyAttributes"].sort()
    declared = [as_requested(each) for each in engine.inputs("dynamodb/table")]
    assert there == {each["TableName"]: each for each in declared}


def test_the_handlers_tests_send_each_action_to_the_function_of_its_route():
    others = {
        key: function.replace("-", "_")
        for function, routes in ROUTES.items()
        for keys in routes.values()
        for key in keys.split()
        if function != "connection" and not key.startswith("$")
    }
    assert written_there("ENTRY_OF_ROUTE") == others
