"""How a burst of invocations becomes environments."""

import json
import os
import time
from collections.abc import Callable

from tests.local.emulator.sockets import PATIENCE_SECONDS, Route, SocketApi, eventually

MAX_STARTING = min(16, 2 * (os.cpu_count() or 1))


def test_few_environments_start_at_a_time_and_any_number_runs(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    gate = api.new_name()
    api.emulator.client("lambda").update_function_configuration(
        FunctionName=api.function_arn,
        Environment={"Variables": {"NOTES": str(api.notes), "GATE": gate}},
    )
    names = [api.new_name() for _ in range(MAX_STARTING + 4)]
    with api.connect() as socket:
        for name in names:
            socket.send(json.dumps({"note": name, "await": " ".join(names)}))
        eventually(
            lambda: len(list(api.notes.glob("starting-*"))) >= MAX_STARTING,
            "as many starts as are allowed",
        )
        time.sleep(1)  # in which one too many would start; a slow machine cannot fail by it
        api.note(gate)
        answers = [json.loads(socket.recv(PATIENCE_SECONDS)) for _ in names]
    assert {each["eventType"] for each in answers} == {"MESSAGE"}
    starts = [json.loads(path.read_text()) for path in api.notes.glob("started-*")]
    assert len(starts) == len(names), "every message waits in an environment of its own"
    at_a_time = [sum(began <= moment < ended for began, ended in starts) for moment, _ in starts]
    assert max(at_a_time) <= MAX_STARTING
