"""Rate limits: excess messages are refused with a wait time, and other clients are unaffected.

Windows are minutes and hours of the clock. So a test sends until it is refused, which is at the
latest when two windows are full, whenever it was started.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from client.sockets import Frame, HandshakeRefused
from local.cloud import LocalCloud
from tests.local.protocol.people import session_of
from tests.local.protocol.unwell import DynamoDbFront, behind, variables_of

SESSIONS_AN_HOUR = 3
JOINS_A_MINUTE = 4
CONTROLS_A_MINUTE = 5
STATUS_QUERIES_A_MINUTE = 4
FEW_CONNECTIONS = 6
VARIABLES = {
    "connection": {
        "SESSIONS_PER_USER_PER_HOUR": str(SESSIONS_AN_HOUR),
        "JOINS_PER_ADDRESS_PER_MINUTE": str(JOINS_A_MINUTE),
        "CONTROLS_PER_CONNECTION_PER_MINUTE": str(CONTROLS_A_MINUTE),
    },
    "session_status": {"STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": str(STATUS_QUERIES_A_MINUTE)},
}
"""Which setting each variable comes from is checked in tests/contracts/test_environments.py."""


@pytest.fixture(scope="module")
def low_limits(shared_cloud: LocalCloud) -> Iterator[None]:
    with ExitStack() as changed:
        for entry, variables in VARIABLES.items():
            changed.enter_context(variables_of(shared_cloud, entry, variables))
        yield


@pytest.fixture
def limited(cloud: LocalCloud, low_limits: None) -> LocalCloud:
    """The shared cloud with low limits."""
    return cloud


def until_refused(attempt: Callable[[], Frame], limit: int) -> tuple[list[Frame], Frame]:
    """What was answered before the first refusal, and that."""
    passed: list[Frame] = []
    while len(passed) <= 2 * limit:
        reply = attempt()
        if reply.get("code") == "RATE_LIMITED":
            return passed, reply
        passed.append(reply)
    raise AssertionError(f"{len(passed)} were let through, twice the limit of {limit}")


def wait_of(refusal: Frame) -> int:
    assert refusal["details"].keys() == {"retryAfterSeconds"}
    assert str(refusal["details"]["retryAfterSeconds"]) in refusal["message"]
    return refusal["details"]["retryAfterSeconds"]


def test_a_user_creates_so_many_sessions_in_an_hour(limited: LocalCloud) -> None:
    token = limited.token_of_another_speaker()
    speaker = limited.speaker(token=token)

    def create_and_end() -> Frame:
        reply = speaker.ask("createSession", sourceLanguage="en")
        if reply.type == "sessionCreated":
            speaker.ask("endSession")
        return reply

    limit = SESSIONS_AN_HOUR
    passed, refusal = until_refused(create_and_end, limit)
    assert {frame.type for frame in passed} == {"sessionCreated"}
    assert len(passed) >= limit
    assert 1 <= wait_of(refusal) <= 3600
    again = limited.speaker(token=token).ask("createSession", sourceLanguage="en")
    assert again["code"] == "RATE_LIMITED", "the user is limited, whatever the socket"
    other = limited.speaker(token=limited.token_of_another_speaker())
    assert other.create_session("en")


def test_an_address_joins_so_often_in_a_minute(limited: LocalCloud) -> None:
    listener = limited.listener()
    passed, refusal = until_refused(
        lambda: listener.ask("joinSession", sessionId="no-such-session", targetLanguage="es"),
        JOINS_A_MINUTE,
    )
    assert {frame["code"] for frame in passed} <= {"SESSION_NOT_FOUND"}
    assert 1 <= wait_of(refusal) <= 60
    neighbour = limited.listener()
    _, refusal = until_refused(
        lambda: neighbour.ask("joinSession", sessionId="no-such-session", targetLanguage="es"),
        JOINS_A_MINUTE,
    )
    assert 1 <= wait_of(refusal) <= 60
    unread = neighbour.ask("joinSession", sessionId="no-such-session", targetLanguage="tlh")
    assert unread["code"] == "UNSUPPORTED_LANGUAGE", "parameters come before the rate"
    assert listener.ask("heartbeat").type == "heartbeatAck"


def test_a_speakers_controls_are_limited_together_and_change_nothing_then(
    limited: LocalCloud,
) -> None:
    session = session_of(limited, speaker=limited.speaker(token=limited.token_of_another_speaker()))
    limit = CONTROLS_A_MINUTE
    levels = iter(range(1, 1000))
    passed, refusal = until_refused(lambda: session.speaker.set_volume(next(levels) / 1000), limit)
    assert limit <= len(passed) <= 2 * limit
    assert 1 <= wait_of(refusal) <= 60
    state = session.speaker.ask_status()["broadcastState"]
    assert state["version"] == 1 + len(passed)
    other = session_of(limited, speaker=limited.speaker(token=limited.token_of_another_speaker()))
    assert other.speaker.pause().type == "broadcastPaused"


@pytest.mark.parametrize(
    "action", ["pausePlayback", "resumePlayback", "changeLanguage", "getCaptions"]
)
def test_a_listeners_controls_are_limited_before_its_membership_is_asked(
    limited: LocalCloud, action: str
) -> None:
    listener = limited.listener()
    limit = CONTROLS_A_MINUTE
    passed, refusal = until_refused(lambda: listener.ask(action, targetLanguage="es"), limit)
    assert {frame["code"] for frame in passed} == {"CONNECTION_NOT_FOUND"}
    assert limit <= len(passed) <= 2 * limit
    assert 1 <= wait_of(refusal) <= 60


def test_a_user_asks_for_the_status_so_often_in_a_minute(limited: LocalCloud) -> None:
    token = limited.token_of_another_speaker()
    session = session_of(limited, speaker=limited.speaker(token=token))
    limit = STATUS_QUERIES_A_MINUTE
    passed, refusal = until_refused(session.speaker.ask_status, limit)
    assert {frame.type for frame in passed} == {"sessionStatus"}
    assert limit <= len(passed) <= 2 * limit
    assert 1 <= wait_of(refusal) <= 60
    assert session.speaker.pause().type == "broadcastPaused"
    second = limited.speaker(token=token)
    _, refusal = until_refused(second.ask_status, limit)
    assert 1 <= wait_of(refusal) <= 60
    other = session_of(limited, speaker=limited.speaker(token=limited.token_of_another_speaker()))
    assert other.speaker.ask_status().type == "sessionStatus"


def test_an_address_opens_so_many_sockets_in_a_minute(limited: LocalCloud) -> None:
    first = limited.listener()

    def open_too_many() -> None:
        for _ in range(2 * FEW_CONNECTIONS):
            limited.listener()

    limit = {"CONNECTIONS_PER_ADDRESS_PER_MINUTE": str(FEW_CONNECTIONS)}
    with (
        variables_of(limited, "connection", limit),
        pytest.raises(HandshakeRefused) as refusal,
    ):
        open_too_many()
    assert refusal.value.status == 429
    assert first.ask("heartbeat").type == "heartbeatAck"


def test_while_rates_cannot_be_counted_everything_passes(limited: LocalCloud) -> None:
    limit = CONTROLS_A_MINUTE
    session = session_of(limited, speaker=limited.speaker(token=limited.token_of_another_speaker()))
    _, refusal = until_refused(session.speaker.pause, limit)
    assert refusal["code"] == "RATE_LIMITED"
    table = limited.outputs["rateLimitsTable"]
    with DynamoDbFront(limited, fails=lambda call: call.table == table) as front:
        with behind(front, "connection"), behind(front, "session_status"):
            for _ in range(2 * limit + 1):
                assert session.speaker.pause().type == "broadcastPaused"
                assert session.speaker.ask_status().type == "sessionStatus"
            assert limited.listener().ask("heartbeat").type == "heartbeatAck"
        assert front.failed > 0
    _, refusal = until_refused(session.speaker.pause, limit)
    assert refusal["code"] == "RATE_LIMITED"
