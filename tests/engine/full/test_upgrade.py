"""A stack that an older commit made is brought to the program of today; nothing in it is lost."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import OpType

from client.sign_in import add_user, new_password
from local.emulator.process import Emulator
from local.services import Services
from operations.plan.checkout import revision_checkout
from operations.plan.recording import PlanError
from program.stack_config import ROOT
from tests.engine.conftest import StartStack
from tests.engine.programs import whole_program
from tests.engine.stack import EngineStack
from tests.engine.steps import Steps
from tests.recorded_releases import Release

OLD_COMMIT = Release("0.1.0").commit
CONFIG = {
    "audioSlots": 2,
    "manageApiGatewayAccount": True,
    "statusQueryTimeoutMilliseconds": 4_000,  # a busy machine needs some of it
}
# A new version of a layer and a new deployment are how these two change.
REPLACED = {"aws:lambda/layerVersion:LayerVersion", "aws:apigatewayv2/deployment:Deployment"}
KEPT = {
    "aws:apigatewayv2/api:Api",
    "aws:cognito/userPool:UserPool",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:dynamodb/table:Table",
}
USERNAME = "ada@example.com"
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Upgrade:
    """The steps of the upgrade, and what the tables held before it."""

    stack: EngineStack
    steps: Steps
    rows_before: Rows
    user_pool_before: str


@pytest.fixture(scope="module")
def emulator(services: Services) -> Emulator:
    return services.emulator


@pytest.fixture(scope="module")
def old_root() -> Iterator[Path]:
    with ExitStack() as checkouts:
        try:
            checkout = checkouts.enter_context(revision_checkout(ROOT, OLD_COMMIT))
        except PlanError as error:
            pytest.skip(str(error))
        yield checkout.root


@pytest.fixture(scope="module")
def upgrade(start_stack: StartStack, emulator: Emulator, old_root: Path) -> Upgrade:
    stack = start_stack(config=CONFIG)
    stack.use(whole_program(old_root), old_root)
    stack.up()
    user_pool = stack.outputs["userPoolId"]
    write_a_row_into_each_table(emulator)
    add_user(emulator.client("cognito-idp"), user_pool, USERNAME, new_password())
    rows = all_rows(emulator)
    stack.use(whole_program())
    return Upgrade(stack, stack.up(), rows, user_pool)


def test_an_upgrade_replaces_no_table_user_pool_or_api(upgrade: Upgrade) -> None:
    replaced = upgrade.steps.of(OpType.CREATE_REPLACEMENT)
    print(*replaced, sep="\n")
    assert {step.type for step in replaced} <= REPLACED
    others = [step for step in upgrade.steps.changes if step.type in KEPT]
    assert {step.op for step in others} <= {OpType.UPDATE}, str(upgrade.steps)
    assert upgrade.stack.outputs["userPoolId"] == upgrade.user_pool_before


def test_an_upgrade_loses_no_row_and_no_user(upgrade: Upgrade, emulator: Emulator) -> None:
    assert all(upgrade.rows_before.values())
    assert all_rows(emulator) == upgrade.rows_before
    users = emulator.client("cognito-idp").list_users(
        UserPoolId=upgrade.stack.outputs["userPoolId"]
    )
    assert len(users["Users"]) == 1


def test_sessions_run_on_an_upgraded_stack(upgrade: Upgrade, services: Services) -> None:
    with upgrade.stack.people(services.account) as people:
        speaker, listener = people.speaker(), people.listener()
        listener.join(speaker.create_session("en"), "es")
        listener.expect("sessionJoined")
        assert speaker.ask_status()["languageDistribution"] == {"es": 1}
        assert speaker.pause().type == "broadcastPaused"
        listener.expect("broadcastPaused")


def test_a_preview_after_an_upgrade_is_empty(upgrade: Upgrade) -> None:
    steps = upgrade.stack.preview(refresh=True)
    assert steps.changes == [], str(steps)


def write_a_row_into_each_table(emulator: Emulator) -> None:
    client = emulator.client("dynamodb")
    for name in client.list_tables()["TableNames"]:
        table = client.describe_table(TableName=name)["Table"]
        types = {
            each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
        }
        keys = [each["AttributeName"] for each in table["KeySchema"]]
        client.put_item(TableName=name, Item={key: {types[key]: "1"} for key in keys})


def all_rows(emulator: Emulator) -> Rows:
    client = emulator.client("dynamodb")
    return {
        name: client.scan(TableName=name)["Items"] for name in client.list_tables()["TableNames"]
    }
