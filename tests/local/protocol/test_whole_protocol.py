"""Last of the package: nothing of the protocol was left out by the tests before."""

import ast
from pathlib import Path

import pytest

from contract.actions import ACTIONS
from live_sessions.wire.frames import UpdateReason
from live_sessions.wire.refusals import ErrorCode
from tests.local.protocol.seen import Seen

HERE = Path(__file__).parent
# What takes its time: a status within a minute (tests/local/test_cadence.py waits for it), five
# seconds of too many chunks (tests/local/audio/test_chunk_rate.py sends them), and the transcript
# of a session that is over (tests/local/test_transcripts.py).
SEEN_ELSEWHERE = {UpdateReason.PERIODIC, "rateLimitWarning", "transcript"}


def test_every_frame_error_code_and_reason_was_seen_on_a_socket(
    seen: Seen, request: pytest.FixtureRequest
) -> None:
    if every_test() - {getattr(item, "originalname", "") for item in request.session.items}:
        pytest.skip("only the whole package sees the whole protocol")
    assert frame_types() - seen.frame_types - SEEN_ELSEWHERE == set()
    assert set(ErrorCode) - seen.codes == set()
    assert set(UpdateReason) - seen.update_reasons - SEEN_ELSEWHERE == set()


def every_test() -> set[str]:
    return {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def frame_types() -> set[str]:
    """Of every action its reply, and what else it sends; each control has a reply of its own."""
    frames = {"error"}
    for action in ACTIONS.values():
        others = (action.to_listeners, action.to_speaker)
        frames.update(each for each in (action.reply, *action.posts, *others) if each)
    return frames
