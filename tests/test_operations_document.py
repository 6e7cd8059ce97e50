"""The alarms, settings, outputs and commands in docs/operations.md are those of the program."""

import re
from pathlib import Path

import pytest
import yaml

from program.engine import Engine
from tests.contracts.program_runs import run

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text()
STACK = "production"
PREFIX = f"live-sessions-{STACK}-"
KINDS = (
    *("errors", "throttles", "internal-errors", "services-unavailable"),
    *("rate-limits-unavailable", "passcode-tries-refused", "posts-failed"),
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return run(STACK, {"transcripts": True}).engine


def row_of(alarm: str, functions: set[str]) -> str:
    """An alarm's name in the page's table: many functions and slots share a row each."""
    name = alarm.removeprefix(PREFIX)
    for function in functions:
        for kind in KINDS:
            if name == f"{function}-{kind}":
                return f"<function>-{kind}"
    return re.sub(r"^audio-[0-9]+-late$", "audio-<slot>-late", name)


def test_each_alarm_has_a_row_and_each_row_an_alarm(engine: Engine) -> None:
    functions = {each["name"].removeprefix(PREFIX) for each in engine.inputs("lambda/function")}
    alarms = {row_of(each["name"], functions) for each in engine.inputs("cloudwatch/metricAlarm")}
    section = PAGE.partition("## Alarms")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| `([a-z<>-]+)` \|", section)
    assert sorted(rows) == sorted(alarms)


def test_every_setting_that_is_named_exists() -> None:
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].keys()
    named = set(re.findall(r"`([a-z]+[A-Z][A-Za-z]+)(?::[^`]*)?`", PAGE))
    outputs_and_actions = {
        *("websocketUrl", "domainTarget", "alarmTopicArn", "transcriptionError"),
        *("createSession", "joinSession", "sendAudio", "getTranscript", "queueUrls", "userPoolId"),
        *("userPoolClientId", "webPagesUrl", "webPagesBucketName"),
        *("webPagesDistributionId", "webPagesDistributionDomain"),
    }
    files_own = {"secretsprovider", "encryptedkey"}
    assert named - outputs_and_actions - files_own <= settings


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= targets
