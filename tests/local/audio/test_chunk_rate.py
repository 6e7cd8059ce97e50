"""More chunks than a speaker may send: dropped, warned of, and in the end his socket is closed."""

import contextlib
import itertools
import time

import pytest
from websockets.exceptions import ConnectionClosed

from local.client import Speaker
from tests.local.audio.spoken import numbers
from tests.local.conftest import CloudWith

CHUNKS_PER_SECOND = 2
SENT_PER_SECOND = 6


@pytest.mark.timeout(120)
def test_a_speaker_far_over_the_rate_is_warned_and_then_closed(cloud_with: CloudWith) -> None:
    speaker = cloud_with(audioChunksPerSecond=CHUNKS_PER_SECOND).speaker()
    session_id = speaker.create_session("en")
    send_until_closed(speaker, give_up_seconds=90)

    warning = speaker.expect("rateLimitWarning", timeout_seconds=0)
    assert warning["sessionId"] == session_id
    assert warning["chunksPerSecond"] == CHUNKS_PER_SECOND
    assert warning["closesAfterSeconds"] == 25
    assert not speaker.received("error")
    assert speaker.expect_close() == 1000


def send_until_closed(speaker: Speaker, give_up_seconds: float) -> None:
    chunk = numbers([1])
    deadline = time.monotonic() + give_up_seconds
    with contextlib.suppress(ConnectionClosed):
        for sequence in itertools.count():
            if not speaker.is_open or time.monotonic() > deadline:
                return
            speaker.send_audio(chunk, sequence)
            time.sleep(1 / SENT_PER_SECOND)
