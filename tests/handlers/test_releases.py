"""Functions of this release and of the release before go on with what the other has written."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def before() -> Recording:
    return latest_release().recorded("exchanged")


def test_this_release_goes_on_with_what_the_one_before_wrote(
    stage: Stage, before: Recording
) -> None:
    exchange.accept(stage, before)


def test_the_release_before_goes_on_with_what_this_one_writes(stage: Stage, tmp_path: Path) -> None:
    recording = exchange.recorded(stage)
    if release := release_to_write():
        release.write("exchanged", recording)
    if not latest_release().unpack(tmp_path, "handlers", "tests", "pyproject.toml"):
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


def without_its_epoch(recording: Recording) -> None:
    for chunks in recording["chunks"].values():
        for chunk in chunks:
            del chunk["streamEpoch"]


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
