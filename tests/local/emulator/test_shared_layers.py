"""Layers are unpacked once, whatever the number of environments."""

import io
import json
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.emulator.process import Emulator
from tests.local.emulator.sockets import FUNCTION_TIMEOUT_SECONDS

# Tells what its layer says and where that lies; waits until the test has seen both environments.
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


def archive(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, text)
    return content.getvalue()


class Talker:
    """A function with one layer."""

    def __init__(self, emulator: Emulator, notes: Path) -> None:
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

    def invoke(self, together: int) -> list[dict[str, Any]]:
        """The answers of so many environments at once."""
        payload = json.dumps({"round": uuid.uuid4().hex, "together": together})

        def one(_: int) -> dict[str, Any]:
            answer = self.functions.invoke(FunctionName=self.name, Payload=payload)
            return json.loads(answer["Payload"].read())

        with ThreadPoolExecutor(together) as pool:
            return list(pool.map(one, range(together)))


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
