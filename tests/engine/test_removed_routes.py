"""Every route that can be removed is switched off by one update, and back on by the next."""

from collections.abc import Iterator

import pytest
from pulumi.automation import OpType

from client.people import Participants
from client.sign_in import add_user, new_password
from client.sockets import Client
from contract.actions import ACTIONS
from local.emulator.process import Emulator
from tests.engine.conftest import StartStack
from tests.engine.stack import SMALL, EngineStack
from tests.engine.steps import Step, Steps
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

USERNAME = "ada@example.com"
ROUTE, DEPLOYMENT, STAGE = (f"apigatewayv2/{kind}" for kind in ("route", "deployment", "stage"))


@pytest.fixture(scope="module")
def emulator(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """No time limit of a function is met by a busy machine."""
    with Emulator(
        tmp_path_factory.mktemp("emulator"),
        start_timeout_seconds=OUT_OF_REACH_SECONDS,
        least_time_limit_seconds=OUT_OF_REACH_SECONDS,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack(name="removed", config={**SMALL, "allowPasswordAuthentication": True})
    started.up()
    return started


@pytest.fixture(scope="module")
def clients(stack: EngineStack, emulator: Emulator) -> Iterator[list[Client]]:
    """A speaker and a listener, who stay connected."""
    password = new_password()
    add_user(emulator.client("cognito-idp"), stack.outputs["userPoolId"], USERNAME, password)
    user = {"speakerUsername": USERNAME, "speakerPassword": password}
    with Participants({**stack.outputs, "emulatorUrl": emulator.url, **user}) as people:
        yield [people.speaker(), people.listener()]


def test_every_action_is_switched_off_by_its_routes_target(
    stack: EngineStack, clients: list[Client]
) -> None:
    assert answers(clients).isdisjoint({"INVALID_ACTION"})
    stack.configure(removedRoutes=list(ACTIONS))
    assert_that_targets_change_alone(stack.up())
    assert answers(clients) == {"INVALID_ACTION"}


def test_every_action_is_switched_back_on_by_one_update(
    stack: EngineStack, clients: list[Client]
) -> None:
    stack.configure(removedRoutes=[])
    assert_that_targets_change_alone(stack.up())
    assert answers(clients).isdisjoint({"INVALID_ACTION"})


def test_a_preview_after_both_is_empty(stack: EngineStack) -> None:
    steps = stack.preview()
    assert steps.changes == [], str(steps)


def answers(clients: list[Client]) -> set[str]:
    """What every action is answered with: a type, or the code of an error."""
    replies = [client.ask(action, PATIENCE_SECONDS) for client in clients for action in ACTIONS]
    return {str(reply.get("code", reply.type)) for reply in replies}


def assert_that_targets_change_alone(steps: Steps) -> None:
    """Routes are updated, then deployed, then live; what is deleted is the old deployment."""
    routes = steps.of(OpType.UPDATE, type=ROUTE)
    assert len(routes) == len(ACTIONS)
    assert {each for step in routes for each in step.changed} == {"target"}
    (made,) = steps.of(OpType.CREATE_REPLACEMENT, type=DEPLOYMENT)
    (moved,) = steps.of(OpType.UPDATE, type=STAGE)
    (deleted,) = steps.of(OpType.DELETE_REPLACED, type=DEPLOYMENT)
    known = {step.urn for step in (*routes, made, moved)}
    assert {step.urn for step in steps.changes} == known, str(steps)
    in_order = [max(map(ended, routes)), made.began, ended(made), moved.began, ended(moved)]
    assert in_order == sorted(in_order)
    assert ended(moved) < deleted.began


def ended(step: Step) -> int:
    assert step.ended is not None, str(step)
    return step.ended
