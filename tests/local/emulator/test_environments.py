"""Execution environments: how they start, what they read, how long they run, what they log."""

import io
import json
import os
import signal
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.emulator.process import LEAST_TIME_LIMIT_VARIABLE, Emulator
from tests.local.emulator.sockets import (
    FUNCTION_TIMEOUT_SECONDS,
    PATIENCE_SECONDS,
    Route,
    SocketApi,
    deploy_socket_api,
    eventually,
)

MAX_STARTING = min(16, 2 * (os.cpu_count() or 1))
MAX_IN_BURST = min(16, 2 * (os.cpu_count() or 1))
STALL_SECONDS = 2.0

# Returns what its layer says and where the layer is, once so many environments run.
CODE = """
import os, pathlib, time, uuid
import said

NOTES = pathlib.Path(os.environ["NOTES"])

def handler(event, context):
    (NOTES / f"{event['round']}-{uuid.uuid4()}").touch()
    while len(list(NOTES.glob(f"{event['round']}-*"))) < event["together"]:
        time.sleep(0.01)
    return {"word": said.WORD, "file": said.__file__, "process": os.getpid()}
"""

# Describes its process, without what differs from process to process.
REPORT = """
import os, signal, sys, time

SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)
OF_THE_SERVER = {"__mp_main__", "environments", "forked_process", "limits", "ministack", "serve"}

def handler(event, context):
    scratch = os.path.dirname(os.getcwd())
    variables = {name: shown(value, scratch) for name, value in os.environ.items()}
    for name in ("AWS_LAMBDA_LOG_STREAM_NAME", "PYTHONNOUSERSITE"):
        variables.pop(name, None)
    return {
        "forked": "asyncio" in sys.modules,
        "report": {
            "arguments": [shown(each, scratch) for each in sys.argv],
            "import path": [shown(each, scratch) for each in sys.path],
            "main": shown(sys.modules["__main__"].__file__, scratch),
            "modules of the server": sorted(OF_THE_SERVER & set(sys.modules)),
            "signals": [str(signal.getsignal(each)) for each in SIGNALS],
            "streams": [(each.encoding, each.errors) for each in (sys.stdin, sys.__stderr__)],
            "time zone": time.tzname,
            "variables": variables,
        },
    }

def shown(text, scratch):
    return text.replace(scratch, "SCRATCH")
"""

# Says where a package comes from that botocore needs too.
BRINGS = """
import botocore.session, jmespath

def handler(event, context):
    return {"file": jmespath.__file__, "botocore": botocore.session.__file__}
"""


def archive(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, text)
    return content.getvalue()


class Talker:
    """A function with one layer."""

    def __init__(self, emulator: Emulator, notes: Path) -> None:
        self.emulator = emulator
        self.functions = emulator.client("lambda")
        self.name = f"talker-{uuid.uuid4().hex[:8]}"
        role = emulator.client("iam").create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
        )["Role"]["Arn"]
        self.functions.create_function(
            FunctionName=self.name,
            Runtime="python3.13",
            Handler="talker.handler",
            Role=role,
            Code={"ZipFile": archive("talker.py", CODE)},
            Layers=[self.layer("hello")],
            Timeout=FUNCTION_TIMEOUT_SECONDS,
            Environment={"Variables": {"NOTES": str(notes)}},
        )

    def layer(self, word: str) -> str:
        return self.functions.publish_layer_version(
            LayerName=self.name,
            Content={"ZipFile": archive("python/said.py", f"WORD = {word!r}")},
        )["LayerVersionArn"]

    def answer(self, code: str, **configuration: Any) -> dict[str, Any]:
        """What the function answers with another code and configuration."""
        self.functions.update_function_code(
            FunctionName=self.name, ZipFile=archive("talker.py", code)
        )
        self.functions.update_function_configuration(FunctionName=self.name, **configuration)
        return json.loads(self.functions.invoke(FunctionName=self.name)["Payload"].read())

    def invoke(self, together: int) -> list[dict[str, Any]]:
        """Return the answers of that many environments, which run at the same time."""
        payload = json.dumps({"round": uuid.uuid4().hex, "together": together})

        def one(_: int) -> dict[str, Any]:
            answer = self.functions.invoke(FunctionName=self.name, Payload=payload)
            return json.loads(answer["Payload"].read())

        with ThreadPoolExecutor(together) as pool:
            return list(pool.map(one, range(together)))


def test_few_environments_start_at_a_time_and_any_number_runs(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    gate = api.new_name()
    set_configuration(api, Environment={"Variables": {"NOTES": str(api.notes), "GATE": gate}})
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


def test_a_burst_shares_few_environments_while_they_keep_finishing(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    gate = api.new_name()
    api.note(gate)
    set_configuration(api, Environment={"Variables": {"NOTES": str(api.notes), "GATE": gate}})
    began_at = time.monotonic()
    with api.connect() as socket:
        for _ in range(3 * MAX_IN_BURST):
            socket.send("{}")
        for _ in range(3 * MAX_IN_BURST):
            assert json.loads(socket.recv(PATIENCE_SECONDS))["eventType"] == "MESSAGE"
    started = len(list(api.notes.glob("started-*")))
    stalls = (time.monotonic() - began_at) / STALL_SECONDS
    assert started <= MAX_IN_BURST + stalls


@pytest.fixture
def talker(emulator: Emulator, tmp_path: Path) -> Talker:
    return Talker(emulator, tmp_path)


def test_environments_of_a_function_read_its_layer_in_one_place(talker: Talker) -> None:
    first, second = talker.invoke(together=2)
    assert first["process"] != second["process"]
    assert first["word"] == second["word"] == "hello"
    assert first["file"] == second["file"]


def test_another_version_of_a_layer_lies_in_another_place(talker: Talker) -> None:
    [before] = talker.invoke(together=1)
    talker.functions.update_function_configuration(
        FunctionName=talker.name, Layers=[talker.layer("goodbye")]
    )
    [after] = talker.invoke(together=1)
    assert after["word"] == "goodbye"
    assert after["file"] != before["file"]
    assert Path(before["file"]).read_text() == "WORD = 'hello'"


def test_a_function_may_lose_its_layer(talker: Talker) -> None:
    talker.invoke(together=1)
    talker.functions.update_function_configuration(FunctionName=talker.name, Layers=[])
    answer = talker.functions.invoke(FunctionName=talker.name, Payload=b"{}")
    assert "No module named 'said'" in answer["Payload"].read().decode()


def test_a_forked_environment_is_like_one_that_was_started(talker: Talker) -> None:
    """An interpreter's own variable cannot be given to a fork."""
    forked, started = (
        talker.answer(REPORT, Environment={"Variables": {"TZ": "UTC-5", **more}})
        for more in ({}, {"PYTHONNOUSERSITE": "1"})
    )
    assert (forked["forked"], started["forked"]) == (True, False)
    assert forked["report"] == started["report"]
    assert forked["report"]["modules of the server"] == []


def test_without_the_process_that_is_forked_another_one_is_started(talker: Talker) -> None:
    talker.invoke(together=1)
    [origin] = origins(talker.emulator)
    os.kill(origin, signal.SIGKILL)
    eventually(lambda: not origins(talker.emulator), "its end")
    talker.functions.update_function_configuration(FunctionName=talker.name, MemorySize=256)
    [answer] = talker.invoke(together=1)
    assert answer["word"] == "hello"
    assert len(origins(talker.emulator)) == 1


def origins(emulator: Emulator) -> list[int]:
    """The server's children that run forked_process.py."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    return [
        int(pid)
        for pid, parent, command in rows
        if int(parent) == emulator.process_id and "forked_process.py" in command
    ]


def test_a_layers_package_is_imported_from_there_though_the_runtime_has_it(talker: Talker) -> None:
    layer = talker.functions.publish_layer_version(
        LayerName=talker.name,
        Content={"ZipFile": archive("python/jmespath/__init__.py", "")},
    )["LayerVersionArn"]
    answer = talker.answer(BRINGS, Layers=[layer])
    assert "layer-" in answer["file"]
    assert "site-packages" in answer["botocore"]


def test_an_environment_has_a_lower_priority_than_the_server(talker: Talker) -> None:
    [answer] = talker.invoke(together=1)
    niceness_of_the_server = os.getpriority(os.PRIO_PROCESS, talker.emulator.process_id)
    assert os.getpriority(os.PRIO_PROCESS, answer["process"]) > niceness_of_the_server


def test_a_failed_import_is_in_the_functions_log_and_not_sent_to_the_client(
    deploy: Callable[..., SocketApi],
) -> None:
    api = deploy({"$default": Route()})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("probe.py", "import a_module_that_is_missing\n")
    api.emulator.client("lambda").update_function_code(
        FunctionName=api.function_arn, ZipFile=code.getvalue()
    )
    with api.connect() as socket:
        frame = api.ask(socket)
    assert frame.keys() == {"message", "connectionId", "requestId"}
    assert frame["message"] == "Internal server error"
    logs = api.emulator.client("logs")
    group = "/aws/lambda/" + api.function_arn.rsplit(":", 1)[1]

    def reason_is_logged() -> bool:
        texts = [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]
        return any(
            text.startswith("[ERROR]") and "No module named 'a_module_that_is_missing'" in text
            for text in texts
        )

    eventually(reason_is_logged, "the reason in the function's log")


@pytest.fixture(scope="module")
def patient_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketApi]:
    """An API on an emulator that raises its time limits: one second for the function, half a
    second for the integration.
    """
    folder = tmp_path_factory.mktemp("patient")
    with Emulator(folder / "state", least_time_limit_seconds=FUNCTION_TIMEOUT_SECONDS) as started:
        routes = {"$default": Route(timeout_milliseconds=500)}
        api = deploy_socket_api(started, folder / "notes", routes)
        set_configuration(api, Timeout=1)
        yield api


def set_configuration(api: SocketApi, **changed: Any) -> None:
    api.emulator.client("lambda").update_function_configuration(
        FunctionName=api.function_arn, **changed
    )


def test_an_emulator_can_raise_time_limits_that_are_too_short_for_a_slow_machine(
    patient_api: SocketApi,
) -> None:
    gate = patient_api.new_name()
    with patient_api.connect() as socket:
        socket.send(json.dumps({"await": gate}))
        with pytest.raises(TimeoutError):  # a slow machine cannot fail by it
            socket.recv(2)
        patient_api.note(gate)
        assert json.loads(socket.recv(PATIENCE_SECONDS))["eventType"] == "MESSAGE"


def test_a_functions_own_variable_keeps_its_time_limit_short(patient_api: SocketApi) -> None:
    variables = {"NOTES": str(patient_api.notes), LEAST_TIME_LIMIT_VARIABLE: "0"}
    set_configuration(patient_api, Environment={"Variables": variables})
    with patient_api.connect() as socket:
        reply = patient_api.ask(socket, **{"await": "never"})
    assert reply["message"] == "Internal server error"
