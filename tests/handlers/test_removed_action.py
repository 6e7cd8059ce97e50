"""Messages of removed routes: every one is refused, and nothing is carried out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract.actions import ACTIONS, ROUTED_ACTIONS
from contract.tables import TABLES
from tests.handlers.conftest import LambdaContext, Stage
from tests.handlers.environment import ENVIRONMENT, QUEUES

REPLYING = [action.name for action in ROUTED_ACTIONS.values() if action.reply is not None]
SILENT = [action.name for action in ROUTED_ACTIONS.values() if action.reply is None]
CHUNK_OF_THE_MOST_BYTES = "A" * 32_000


def send_text(stage: Stage, connection: str, body: str, route_key: str) -> dict[str, Any]:
    """A message on a removed route; returns the one frame that its sender gets."""
    event = stage.event(connection, "MESSAGE", route_key, body)
    response = stage.entries["removed_action"](event, LambdaContext())
    posted = [frame for receiver, frame in stage.sockets.posts if receiver == connection]
    stage.sockets.posts.clear()
    assert response["statusCode"] == 200
    if route_key in SILENT:
        assert "body" not in response, "API Gateway drops it: the route has no RouteResponse"
        (frame,) = posted
        return frame
    assert posted == []
    return json.loads(response["body"])


def send(stage: Stage, connection: str, action: str, **fields: Any) -> dict[str, Any]:
    return send_text(stage, connection, json.dumps({"action": action, **fields}), action)


@pytest.mark.parametrize("action", ROUTED_ACTIONS)
def test_a_removed_action_is_refused_for_whoever_sends_it(stage: Stage, action: str) -> None:
    for connection in (stage.connect_speaker(), stage.connect_listener()):
        answer = send(stage, connection, action, requestId="r7", audioData=CHUNK_OF_THE_MOST_BYTES)
        if action in REPLYING:
            assert answer["code"] == "MESSAGE_TOO_LARGE", "size is checked before the action"
            answer = send(stage, connection, action, requestId="r7", sessionId="no-such-000")
        assert (answer["type"], answer["code"]) == ("error", "INVALID_ACTION")
        assert answer["requestId"] == "r7"


@pytest.mark.parametrize("route_key", [*SILENT, "createSession", "$default", "gone", "$connect"])
def test_whatever_the_route_and_the_body_say_no_action_is_carried_out(
    stage: Stage, route_key: str
) -> None:
    speaker = stage.connect_speaker()
    before = everything(stage)
    for action in [*ACTIONS, "openTheDoor"]:
        body = json.dumps({"action": action, "sourceLanguage": "en", "requestId": "r"})
        answer = send_text(stage, speaker, body, route_key)
        assert (answer["code"], answer["requestId"]) == ("INVALID_ACTION", "r")
    twice = '{"action": "heartbeat", "action": "createSession", "sourceLanguage": "en"}'
    assert send_text(stage, speaker, twice, route_key)["code"] == "INVALID_ACTION"
    assert everything(stage) == before
    assert stage.fan_outs == stage.processor_starts == []
    assert [message for queue in QUEUES for message in stage.queued(queue)] == []


def everything(stage: Stage) -> list[Any]:
    """The rows of all tables."""
    return [stage.dynamodb.scan(TableName=table.name)["Items"] for table in TABLES]


@pytest.mark.parametrize("route_key", [*SILENT, "createSession"])
def test_size_json_and_action_are_checked_first_and_in_this_order(
    stage: Stage, route_key: str
) -> None:
    too_large = "AUDIO_TOO_LARGE" if route_key in SILENT else "MESSAGE_TOO_LARGE"
    codes = {
        "x" * 40_000: too_large,
        "not JSON": "INVALID_MESSAGE",
        "[]": "INVALID_MESSAGE",
        '{"requestId": "r"}': "MISSING_ACTION",
        # The action comes before the requestId.
        f'{{"action": "{route_key}", "requestId": 5}}': "INVALID_ACTION",
    }
    listener = stage.connect_listener()
    for body, code in codes.items():
        assert send_text(stage, listener, body, route_key)["code"] == code


def test_a_refusal_that_cannot_be_posted_is_no_failure(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    event = stage.event(speaker, "MESSAGE", "sendAudio", '{"action": "sendAudio"}')
    for unreachable in (stage.sockets.failing.add, stage.sockets.open.discard):
        unreachable(speaker)
        assert stage.entries["removed_action"](event, LambdaContext()) == {"statusCode": 200}
        stage.sockets.failing.clear()


def test_it_starts_without_importing_boto3_or_botocore() -> None:
    """Their import takes longer than the rest of a cold start."""
    handlers = Path(__file__).resolve().parents[2] / "handlers"
    heavy = ["boto3", "botocore.client", "botocore.exceptions", "botocore.session"]
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, removed_action; print([each for each in {heavy} if each in sys.modules])",
        ],
        env={**ENVIRONMENT, "PYTHONPATH": f"{handlers}:{handlers.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.stdout, process.stderr) == ("[]\n", "")
