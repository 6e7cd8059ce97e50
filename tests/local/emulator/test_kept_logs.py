"""The emulator's memory does not grow with what functions log."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest

from local.emulator.process import Emulator
from tests.local.emulator.sockets import FUNCTION_TIMEOUT_SECONDS

MIB = 1024 * 1024
CODE = """
def handler(event, context):
    print(event["line"])
"""


@pytest.fixture
def function(emulator: Emulator) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("talking.py", CODE)
    name = f"talking-{uuid.uuid4().hex[:8]}"
    role = emulator.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="talking.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
        Timeout=FUNCTION_TIMEOUT_SECONDS,
    )
    return name


def log(emulator: Emulator, function: str, number: int, size: int) -> None:
    payload = json.dumps({"line": f"line-{number:03} {'x' * size}"})
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()


def logged(emulator: Emulator, function: str) -> dict[int, int]:
    """The lines that are kept, by number: their sizes."""
    logs: Any = emulator.client("logs")
    paginator = logs.get_paginator("filter_log_events")
    lines = [
        event["message"]
        for page in paginator.paginate(logGroupName=f"/aws/lambda/{function}")
        for event in page["events"]
        if event["message"].startswith("line-")
    ]
    return {int(line[5:8]): len(line) for line in lines}


def test_the_oldest_lines_of_a_function_that_logs_much_are_forgotten(
    emulator: Emulator, function: str
) -> None:
    for number in range(300):
        log(emulator, function, number, size=50_000)
    kept = logged(emulator, function)
    assert sum(kept.values()) <= 8 * MIB, "it was looked at after the last hundredth"
    assert sorted(kept) == list(range(min(kept), 300)), "the newest are kept"
    assert min(kept) > 0


def test_what_a_function_logs_in_an_hour_of_use_is_kept(emulator: Emulator, function: str) -> None:
    for number in range(101):
        log(emulator, function, number, size=300)
    assert sorted(logged(emulator, function)) == list(range(101))
