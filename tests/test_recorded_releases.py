"""What was recorded of releases: their code, whole, and the environment of their functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from contract.functions import CONNECTION
from tests.recorded_releases import PREFIX, ROOT, Release, latest_release, release_to_write

INVOKE = "lambda:InvokeFunction arn:aws:lambda:us-east-1:123456789012:function:fan-out"
GIVEN = {"FAN_OUT_FUNCTION": "fan-out:live", "JOINS_PER_ADDRESS_PER_MINUTE": "60", "ENV": "live"}


def test_all_of_a_release_is_unpacked(tmp_path: Path) -> None:
    release = latest_release()
    if not release.unpack(tmp_path):
        pytest.skip(f"git has no commit {release.commit}: fetch the whole history")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-tree", "-r", "--name-only", "-z", release.commit],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert set(listed.stdout.strip("\0").split("\0")) <= files


def test_a_release_of_another_clone_is_not_unpacked(tmp_path: Path) -> None:
    release = Release("0.0.1", tmp_path)
    release.folder.mkdir()
    (release.folder / "commit.txt").write_text(f"{'0' * 40}\n")
    assert not release.unpack(tmp_path / "checkout")


def release_with(folder: Path, variables: list[str], rights: list[str]) -> Release:
    release = Release("0.0.1", folder)
    name = CONNECTION.name_in(PREFIX)
    release.write("definitions", {"variables": {name: variables}, "rights": {name: rights}})
    return release


def test_a_function_of_a_release_has_none_of_the_variables_that_came_later(tmp_path: Path) -> None:
    release = release_with(tmp_path, ["FAN_OUT_FUNCTION", "ENV"], [INVOKE, f"{INVOKE}:live"])
    assert release.environment_of(CONNECTION, GIVEN) == {
        "FAN_OUT_FUNCTION": "fan-out:live",
        "ENV": "live",
    }


def test_a_release_without_aliases_names_functions_without_them(tmp_path: Path) -> None:
    release = release_with(tmp_path, list(GIVEN), [INVOKE, "xray:PutTraceSegments *"])
    assert release.environment_of(CONNECTION, GIVEN) == GIVEN | {"FAN_OUT_FUNCTION": "fan-out"}


def test_the_release_before_is_the_latest_one_but_for_the_one_that_is_being_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WRITE_RELEASE", raising=False)
    for version in ("0.9.0", "0.10.0", "0.11.0"):
        (tmp_path / version).mkdir()
    assert latest_release(tmp_path).version == "0.11.0"
    monkeypatch.setenv("WRITE_RELEASE", "0.11.0")
    assert latest_release(tmp_path).version == "0.10.0"
    assert release_to_write() == Release("0.11.0")
