"""In which order the messages of clients are answered, and how many at once."""

import json
import os
import time
from collections.abc import Callable

from tests.local.emulator.sockets import PATIENCE_SECONDS, Route, SocketApi, eventually

MAX_RUNNING = 32
WAITING = 4
LONGEST_TIMEOUT_SECONDS = 900
LIMIT_SECONDS = 10
MAX_STARTING = min(16, 2 * (os.cpu_count() or 1))


def test_the_time_limit_of_a_message_begins_when_its_function_does(
    deploy: Callable[..., SocketApi],
) -> None:
    """It waits for as many environments as may start at a time, for longer than its limit."""
    limited = Route(timeout_milliseconds=LIMIT_SECONDS * 1000)
    api = deploy({"$default": Route(), "limited": limited})
    gate = api.new_name()
    api.emulator.client("lambda").update_function_configuration(
        FunctionName=api.function_arn,
        Environment={"Variables": {"NOTES": str(api.notes), "GATE": gate}},
    )
    with api.connect() as busy, api.connect() as waiting:
        for _ in range(MAX_STARTING):
            busy.send("{}")
        eventually(
            lambda: len(list(api.notes.glob("starting-*"))) == MAX_STARTING,
            "as many starts as are allowed",
        )
        waiting.send(json.dumps({"action": "limited"}))
        time.sleep(LIMIT_SECONDS + 1)
        api.note(gate)
        assert json.loads(waiting.recv(PATIENCE_SECONDS)).get("eventType") == "MESSAGE"


def running(api: SocketApi, names: list[str]) -> int:
    return sum((api.notes / name).exists() for name in names)


def test_one_client_has_few_messages_running_and_the_others_need_not_wait_for_them(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    # So that none of the messages waits for an environment.
    api.emulator.client("lambda").update_function_configuration(
        FunctionName=api.function_arn, Timeout=LONGEST_TIMEOUT_SECONDS
    )
    gate = api.new_name()
    names = [api.new_name() for _ in range(MAX_RUNNING + WAITING)]
    with api.connect() as many, api.connect() as one:
        for name in names:
            many.send(json.dumps({"note": name, "await": gate}))
        eventually(lambda: running(api, names) >= MAX_RUNNING, "as many as may run")
        assert api.ask(one)["eventType"] == "MESSAGE"
        assert running(api, names) == MAX_RUNNING
        assert running(api, names[:MAX_RUNNING]) == MAX_RUNNING, "those that came first"
        opened_ms = time.time() * 1000
        api.note(gate)
        answers = [json.loads(many.recv(PATIENCE_SECONDS)) for _ in names]
    assert running(api, names) == len(names)
    assert max(each["requestTimeEpoch"] for each in answers) <= opened_ms, "its arrival"
