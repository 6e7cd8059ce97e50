"""Removed routes on the local cloud: its gateway, the function that refuses, and `make verify`."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from client.sockets import Client
from operations.verify.context import Context
from operations.verify.declared import declared_by
from operations.verify.verification import run_checks
from tests.local.verify import sabotage
from tests.local.verify.test_sabotage import wrong

REMOVED = ("sendAudio", "pausePlayback")


@pytest.fixture(scope="module")
def without_routes(context: Context) -> Iterator[Context]:
    """The cloud as after an update that removes routes, and a context that declares it so."""
    config = {**context.deployment.config, "live-sessions:removedRoutes": json.dumps(REMOVED)}
    deployment = dataclasses.replace(context.deployment, config=config)
    declared = declared_by(deployment.stack, config, deployment.identity)
    with sabotage.routes_removed(deployment, REMOVED):
        yield dataclasses.replace(context, deployment=deployment, declared=declared)


def test_removed_actions_are_refused_and_all_others_are_answered(without_routes: Context) -> None:
    rows = run_checks(without_routes, ["routes", "answers"])
    assert wrong(rows) == []


@pytest.mark.parametrize("action", REMOVED)
def test_a_refusal_names_the_message_that_it_refuses(without_routes: Context, action: str) -> None:
    clients: list[Client] = [without_routes.clients.speaker(), without_routes.clients.listener()]
    for client in clients:
        answer = client.ask(action, audioData="A" * 4_000)
        assert (answer.type, answer["code"]) == ("error", "INVALID_ACTION")
        assert action in answer["message"]


def test_without_the_removal_the_same_routes_are_reported(
    context: Context, without_routes: Context
) -> None:
    subjects = {row.verdict.subject for row in wrong(run_checks(context, ["routes"]))}
    assert subjects == {f"route {action}" for action in REMOVED}
