"""Functions of this release and of the release before go on with what the other has written."""

from __future__ import annotations

import copy
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.ticks import tick_event
from live_sessions.listeners.fan_out import FanOutHandler
from tests.handlers import exchange
from tests.handlers.conftest import Stage
from tests.handlers.exchange import Recording
from tests.patience import OUT_OF_REACH_SECONDS
from tests.recorded_releases import latest_release, release_to_write

TEST_OF_THE_OTHER_RELEASE = """
import json
from pathlib import Path
from tests.handlers import exchange

def test_it_goes_on(stage):
    exchange.accept(stage, json.loads(Path("exchanged.json").read_text()))
"""


OFFSET_SECONDS = 30
"""Of the tick that comes through a queue."""


def recorded_now(stage: Stage) -> Recording:
    """What this release writes, with pages of one listener, and the ticks of its rule."""
    fan_out = stage.entries["fan_out"]
    assert isinstance(fan_out, FanOutHandler)
    stage.entries["fan_out"] = dataclasses.replace(fan_out, page_size=1)
    now = datetime.now(UTC)
    ticks = [
        tick_event(f"{now - timedelta(seconds=offset):%Y-%m-%dT%H:%M:%SZ}", offset)
        for offset in (0, OFFSET_SECONDS)
    ]
    return exchange.recorded(stage, ticks)


@pytest.fixture
def before() -> Recording:
    return latest_release().recorded("exchanged")


def test_this_release_goes_on_with_what_the_one_before_wrote(
    stage: Stage, before: Recording
) -> None:
    exchange.accept(stage, before)


def test_the_release_before_goes_on_with_what_this_one_writes(stage: Stage, tmp_path: Path) -> None:
    recording = recorded_now(stage)
    if release := release_to_write():
        release.write("exchanged", recording)
    if not latest_release().unpack(tmp_path):
        pytest.skip(f"git has no commit {latest_release().commit}: fetch the whole history")
    # What runs there is that release's code, on the fakes of its own tests.
    shutil.copy(exchange.__file__, tmp_path / "tests/handlers/exchange.py")
    (tmp_path / "tests/handlers/test_goes_on.py").write_text(TEST_OF_THE_OTHER_RELEASE)
    (tmp_path / "exchanged.json").write_text(json.dumps(recording))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/handlers/test_goes_on.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=OUT_OF_REACH_SECONDS,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_each_kind_of_payload_is_exchanged(stage: Stage, before: Recording) -> None:
    for recording in (before, recorded_now(stage)):
        tasks = {
            (each["task"], kind, each["connectionIds"] is None)
            for kind in ("fanOuts", "fanOutPages")
            for each in recording[kind]
        }
        assert tasks == {
            ("frame", "fanOuts", True),
            ("frame", "fanOutPages", False),
            ("sessionEnded", "fanOuts", True),
            ("sessionEnded", "fanOutPages", False),
        }
        assert {each["tick"]["offsetSeconds"] for each in recording["ticks"]} == {0, OFFSET_SECONDS}
        assert all("shard" not in each for each in recording["ticks"])
        assert {each["shard"] for each in recording["shards"]} == set(range(4))


def without_its_epoch(recording: Recording) -> None:
    for chunks in recording["chunks"].values():
        for chunk in chunks:
            del chunk["streamEpoch"]


def with_pages_for_everybody(recording: Recording) -> None:
    for page in recording["fanOutPages"]:
        page["connectionIdsNow"] = page.pop("connectionIds")


def with_pages_of_another_task(recording: Recording) -> None:
    for page in recording["fanOutPages"]:
        page["task"] += "Now"


def with_another_name_in_ticks(recording: Recording) -> None:
    for message in recording["ticks"]:
        message["tick"]["firedAt"] = message["tick"].pop("scheduledAt")


def with_other_shards(recording: Recording) -> None:
    for message in recording["shards"]:
        message["part"] = message.pop("shard")


def with_another_task(recording: Recording) -> None:
    recording["fanOuts"][0]["task"] = "frames"


def with_another_name_for(attribute: str, table: str) -> Callable[[Recording], None]:
    def change(recording: Recording) -> None:
        for row in recording["rows"][table]:
            if attribute in row:
                row[f"{attribute}Now"] = row.pop(attribute)

    return change


def with_a_check_of_another_kind(recording: Recording) -> None:
    for check in recording["checks"]:
        check["check"] += "Now"


BREAKS: dict[str, Callable[[Any], None]] = {
    "a chunk's field": without_its_epoch,
    "a task of the fan-out": with_another_task,
    "whom a page is for": with_pages_for_everybody,
    "a page's task": with_pages_of_another_task,
    "a tick": with_another_name_in_ticks,
    "a shard of a tick": with_other_shards,
    "a check": with_a_check_of_another_kind,
    "an attribute of a session": with_another_name_for("listenersByLanguage", "sessions"),
    "its speaker": with_another_name_for("speakerUserId", "sessions"),
    "its claim": with_another_name_for("audioClaim", "sessions"),
    "an attribute of a connection": with_another_name_for("sessionId", "connections"),
    "a listener's language": with_another_name_for("targetLanguage", "connections"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_it_is_noticed_when_a_release_writes_this_differently(
    stage: Stage, before: Recording, what: str
) -> None:
    changed = copy.deepcopy(before)
    BREAKS[what](changed)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it fails with
        exchange.accept(stage, changed)


def test_times_are_moved_wherever_they_are() -> None:
    moved = exchange.shifted(
        {
            "createdAt": {"N": "1795000000000"},
            "ttl": {"N": "1795000000"},
            "slot": {"N": "3"},
            "frame": '{"timestamp": 1795000000000}',
            "scheduledAt": "2026-11-18T10:13:20Z",
            "text": "Good evening.",
            "is": True,
        },
        60_000,
    )
    assert moved == {
        "createdAt": {"N": "1795000060000"},
        "ttl": {"N": "1795000060"},
        "slot": {"N": "3"},
        "frame": '{"timestamp": 1795000060000}',
        "scheduledAt": "2026-11-18T10:14:20Z",
        "text": "Good evening.",
        "is": True,
    }
