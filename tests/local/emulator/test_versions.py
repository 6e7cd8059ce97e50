"""Versions keep what they were published with, and an alias changes all of it at once."""

import io
import json
import os
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import ClientConnection

from local.emulator.process import Emulator
from tests.local.emulator.sockets import (
    FUNCTION_TIMEOUT_SECONDS,
    PATIENCE_SECONDS,
    Route,
    SocketApi,
    eventually,
)
from tests.local.emulator.test_environments import archive
from tests.local.releases import downloaded_code

# Says what it was released with: code, layer and variable. As an authorizer it says so in the
# context, which the events of messages repeat. `await` names a file to wait for, `note` one to
# make; without a `requestContext` it fails if it is asked to.
CODE = """
import json, os, pathlib, time
import said

NOTES = pathlib.Path(os.environ["NOTES"])

def handler(event, context):
    released = {"code": "%s", "layer": said.WORD, "variable": os.environ["WORD"]}
    if event.get("type") == "REQUEST":
        statement = {
            "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "ada", "policyDocument": policy, "context": released}
    if "fail" in event:
        with (NOTES / event["fail"]).open("a") as file:
            file.write("x")
        raise RuntimeError("as asked")
    asked = json.loads(event["body"]) if "body" in event else event
    if "note" in asked:
        (NOTES / asked["note"]).touch()
    while "await" in asked and not (NOTES / asked["await"]).exists():
        time.sleep(0.01)
    seen = {
        **released,
        "handshake": event.get("requestContext", {}).get("authorizer"),
        "arn": context.invoked_function_arn,
        "process": os.getpid(),
    }
    return {"statusCode": 200, "body": json.dumps(seen)}
"""


def all_of(word: str) -> dict[str, str]:
    return {"code": word, "layer": word, "variable": word}


def released(answer: dict[str, Any]) -> dict[str, str]:
    return {part: answer[part] for part in ("code", "layer", "variable")}


@dataclass(frozen=True)
class Released:
    """A function whose code, layer and variable say which release they belong to."""

    emulator: Emulator
    notes: Path
    name: str

    @classmethod
    def first(cls, emulator: Emulator, notes: Path) -> "Released":
        """The function with its first version, and its alias there."""
        made = cls(emulator, notes, f"released-{uuid.uuid4().hex[:8]}")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = emulator.client("iam").create_role(
            RoleName=made.name, AssumeRolePolicyDocument=trust
        )["Role"]["Arn"]
        made.functions.create_function(
            FunctionName=made.name,
            Runtime="python3.13",
            Handler="released.handler",
            Role=role,
            Code={"ZipFile": archive("released.py", CODE % "one")},
            Timeout=FUNCTION_TIMEOUT_SECONDS,
            **made.configuration("one"),
        )
        version = made.functions.publish_version(FunctionName=made.name)["Version"]
        made.functions.create_alias(FunctionName=made.name, Name="live", FunctionVersion=version)
        return made

    @property
    def functions(self) -> Any:
        return self.emulator.client("lambda")

    @property
    def alias(self) -> str:
        return f"{self.name}:live"

    @property
    def alias_arn(self) -> str:
        return self.functions.get_alias(FunctionName=self.name, Name="live")["AliasArn"]

    def configuration(self, word: str) -> dict[str, Any]:
        layer = self.functions.publish_layer_version(
            LayerName=self.name, Content={"ZipFile": archive("python/said.py", f"WORD = {word!r}")}
        )
        return {
            "Layers": [layer["LayerVersionArn"]],
            "Environment": {"Variables": {"NOTES": str(self.notes), "WORD": word}},
        }

    def change(self, word: str) -> str:
        """Change all of the function, as Pulumi does: in two steps, then a version; its number."""
        self.functions.update_function_configuration(
            FunctionName=self.name, **self.configuration(word)
        )
        self.functions.update_function_code(
            FunctionName=self.name, ZipFile=archive("released.py", CODE % word)
        )
        return self.functions.publish_version(FunctionName=self.name)["Version"]

    def move_alias(self, version: str) -> None:
        self.functions.update_alias(FunctionName=self.name, Name="live", FunctionVersion=version)

    def invoke(self, function: str, **event: Any) -> dict[str, Any]:
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(json.loads(answer["Payload"].read())["body"])


@pytest.fixture
def function(emulator: Emulator, tmp_path: Path) -> Released:
    return Released.first(emulator, tmp_path)


@pytest.fixture
def api(function: Released) -> SocketApi:
    """Its authorizer and its route name the function by its alias."""
    api_id = function.emulator.client("apigatewayv2").create_api(
        Name=function.name,
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression="$request.body.action",
    )["ApiId"]
    made = SocketApi(function.emulator, api_id, function.alias_arn, function.notes)
    made.add_authorized_connect_route()
    made.add_route("$default", Route())
    made.deploy()
    return made


@pytest.fixture
def socket(api: SocketApi) -> Iterator[ClientConnection]:
    with api.connect() as opened:
        yield opened


def test_a_socket_gets_the_whole_version_that_its_alias_is_on(
    function: Released, api: SocketApi, socket: ClientConnection
) -> None:
    second = function.change("two")
    assert released(api.ask(socket)) == all_of("one"), "the function alone has changed"
    function.move_alias(second)
    assert released(api.ask(socket)) == all_of("two")
    function.move_alias("1")
    assert released(api.ask(socket)) == all_of("one"), "the alias is back"


def test_a_handshake_gets_the_whole_version_that_the_authorizers_alias_is_on(
    function: Released, api: SocketApi
) -> None:
    def decided_by() -> dict[str, str]:
        with api.connect() as opened:
            return released(api.ask(opened)["handshake"])

    second = function.change("two")
    assert decided_by() == all_of("one"), "the function alone has changed"
    function.move_alias(second)
    assert decided_by() == all_of("two")
    function.move_alias("1")
    assert decided_by() == all_of("one"), "the alias is back"


def test_a_moved_alias_lets_an_invocation_finish_on_its_version(
    function: Released, api: SocketApi, socket: ClientConnection
) -> None:
    began, gate = uuid.uuid4().hex, uuid.uuid4().hex
    socket.send(json.dumps({"note": began, "await": gate}))
    eventually((function.notes / began).exists, "the invocation of the first version")
    function.move_alias(function.change("two"))
    (function.notes / gate).touch()
    assert released(json.loads(socket.recv(PATIENCE_SECONDS))) == all_of("one")
    assert released(api.ask(socket)) == all_of("two")


def test_a_function_sees_the_alias_by_which_it_was_invoked(
    function: Released, api: SocketApi, socket: ClientConnection
) -> None:
    assert api.ask(socket)["arn"] == function.alias_arn
    assert function.invoke(function.alias)["arn"] == function.alias_arn


def test_an_old_version_starts_although_its_layer_was_deleted(function: Released) -> None:
    function.move_alias(function.change("two"))
    layer = function.functions.list_layer_versions(LayerName=function.name)["LayerVersions"][-1]
    function.functions.delete_layer_version(LayerName=function.name, VersionNumber=layer["Version"])
    assert released(function.invoke(function.alias)) == all_of("two")
    function.move_alias("1")
    assert released(function.invoke(function.alias)) == all_of("one")


def test_the_code_of_each_version_can_be_downloaded(function: Released) -> None:
    second = function.change("two")
    for qualifier, word in (("live", "one"), ("1", "one"), (second, "two"), ("$LATEST", "two")):
        downloaded = downloaded_code(function.functions, function.name, qualifier)
        with zipfile.ZipFile(io.BytesIO(downloaded)) as code:
            assert code.read("released.py").decode() == CODE % word, qualifier


def test_a_permission_that_is_sent_again_is_there_once_and_another_one_is_refused(
    function: Released,
) -> None:
    statement = {
        "FunctionName": function.name,
        "Qualifier": "live",
        "StatementId": "sent-again",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    }
    for _ in range(2):
        function.functions.add_permission(**statement)
    with pytest.raises(function.functions.exceptions.ResourceConflictException):
        function.functions.add_permission(**{**statement, "Principal": "sns.amazonaws.com"})
    answer = function.functions.get_policy(FunctionName=function.name, Qualifier="live")
    statements = json.loads(answer["Policy"])["Statement"]
    (found,) = [each for each in statements if each["Sid"] == "sent-again"]
    assert found["Principal"] == {"Service": "events.amazonaws.com"}


def test_an_event_for_an_alias_is_retried_and_kept_as_the_alias_says(function: Released) -> None:
    sqs = function.emulator.client("sqs")
    url = sqs.create_queue(QueueName=f"{function.name}-failures")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    function.functions.put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue["Attributes"]["QueueArn"]}},
    )
    tries = uuid.uuid4().hex
    function.functions.invoke(
        FunctionName=function.alias, InvocationType="Event", Payload=json.dumps({"fail": tries})
    )
    kept: list[dict[str, Any]] = []

    def is_kept() -> bool:
        kept.extend(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []))
        return bool(kept)

    eventually(is_kept, "the failed event in its queue")
    assert (function.notes / tries).read_text() == "x", "the alias allows no second try"


def test_reserved_concurrency_is_shared_by_all_versions(function: Released) -> None:
    function.functions.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=1
    )
    second = function.change("two")
    began, gate = uuid.uuid4().hex, uuid.uuid4().hex
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(function.invoke, function.alias, **{"note": began, "await": gate})
        eventually((function.notes / began).exists, "the invocation of the first version")
        try:
            for other in (function.alias, f"{function.name}:{second}", function.name):
                with pytest.raises(ClientError, match="TooManyRequestsException"):
                    function.invoke(other)
        finally:
            (function.notes / gate).touch()
        assert released(running.result()) == all_of("one")


def test_an_idle_environment_of_an_old_version_ends_and_one_of_the_aliass_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes").mkdir()
    with Emulator(tmp_path, environment={"LAMBDA_WARM_TTL_SECONDS": "1"}) as emulator:
        function = Released.first(emulator, tmp_path / "notes")
        old = function.invoke(function.alias)["process"]
        function.move_alias(function.change("two"))
        new = function.invoke(function.alias)["process"]
        eventually(lambda: not Path(f"/proc/{old}").exists(), "the end of the old environment")
        os.kill(new, 0)
        assert function.invoke(function.alias)["process"] == new
