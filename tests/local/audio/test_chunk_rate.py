"""More chunks than a speaker may send: dropped, warned of, and in the end the socket is closed."""

from local.cloud import LocalCloud
from tests.local.speeches import end_speeches, speak_far_too_fast


def test_a_speaker_far_over_the_rate_is_warned_and_then_closed(cloud: LocalCloud) -> None:
    """The processor goes by when chunks arrived, so half a minute of them need not take that."""
    speaker, session_id = speak_far_too_fast(cloud)
    assert speaker.expect_close() == 1000
    warning = speaker.expect("rateLimitWarning", timeout_seconds=0)
    assert warning["sessionId"] == session_id
    assert warning["chunksPerSecond"] == 50
    assert warning["closesAfterSeconds"] == 25
    assert not speaker.received("error")
    end_speeches(cloud)
