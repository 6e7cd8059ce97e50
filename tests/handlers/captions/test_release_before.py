"""A page of a caption that meets a fan-out of the release before, as during an upgrade."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from live_sessions.sessions.follow_ups import CaptionPage
from tests.patience import OUT_OF_REACH_SECONDS
from tests.recorded_releases import latest_release

TEST_OF_ITS_FAN_OUT = """
import json
from pathlib import Path
import pytest
from tests.handlers.conftest import LambdaContext

def test_it_posts_nothing_of_a_page(stage):
    stage.sockets.open.add("listener=")
    entry = stage.entries["fan_out"]
    with pytest.raises(Exception, match="captions"):
        getattr(entry, "handler", entry)(json.loads(Path("page.json").read_text()), LambdaContext())
    assert stage.sockets.posts == []
"""
PAGE = CaptionPage(
    session_id="quiet-lake-001",
    frames={"es": "{}"},
    listeners={"es": ["listener="]},
    concurrent_posts=1,
    posting_seconds=5,
    removing_seconds=1,
)


def test_the_fan_out_of_the_release_before_fails_at_a_page_and_posts_nothing(
    tmp_path: Path,
) -> None:
    """Then the translation function posts the page itself (test_crowd.py)."""
    if not latest_release().unpack(tmp_path):
        pytest.skip(f"git has no commit {latest_release().commit}: fetch the whole history")
    (tmp_path / "page.json").write_bytes(msgspec.json.encode(PAGE))
    test = tmp_path / "tests/handlers/test_its_fan_out.py"
    test.write_text(TEST_OF_ITS_FAN_OUT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=OUT_OF_REACH_SECONDS,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout
