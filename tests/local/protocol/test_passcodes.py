"""Sessions by passcode, and the end of guesses, over real sockets."""

import time
from typing import Any

import pytest

from client.people import Speaker
from client.sockets import Frame
from local.cloud import LocalCloud
from tests.local.protocol.people import connection_id_of, session_of
from tests.local.protocol.unwell import DynamoDbFront, behind, variables_of

MISSES_A_MINUTE = 4
WRONG = "no passcode"


def by_passcode(speaker: Speaker) -> tuple[str, str]:
    """The id and the passcode of a new session."""
    created = speaker.ask("createSession", sourceLanguage="en", access="passcode")
    return created["sessionId"], created["passcode"]


def join(cloud: LocalCloud, session_id: str, **fields: Any) -> Frame:
    return cloud.listener().ask("joinSession", sessionId=session_id, targetLanguage="es", **fields)


def answer(frame: Frame) -> str:
    return frame.get("code") or frame.type


def until_refused_for_a_while(cloud: LocalCloud, session_id: str, limit: int) -> float:
    """Guess until guesses are refused; return the monotonic time until which they are.

    Windows are minutes of the clock, so two of them may take part.
    """
    for _ in range(2 * limit + 1):
        frame = join(cloud, session_id, passcode=WRONG)
        if answer(frame) == "RATE_LIMITED":
            return time.monotonic() + frame["details"]["retryAfterSeconds"] - 1
        assert answer(frame) == "INVALID_PASSCODE"
    raise AssertionError(f"more than {2 * limit} guesses were answered")


def test_a_session_by_passcode_is_joined_with_it_and_refreshed_without(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id, passcode = by_passcode(speaker)
    assert len(passcode) == 6
    assert passcode.isdigit()
    assert answer(join(cloud, session_id)) == "INVALID_PASSCODE"
    assert answer(join(cloud, session_id, passcode=WRONG)) == "INVALID_PASSCODE"
    listener = cloud.listener()
    fields: dict[str, Any] = {"sessionId": session_id, "targetLanguage": "es"}
    assert listener.ask("joinSession", **fields, passcode=passcode).type == "sessionJoined"
    new = cloud.listener()
    complete = new.ask("refreshConnection", **fields, connectionId=connection_id_of(listener))
    assert complete.type == "connectionRefreshComplete"
    assert "passcode" not in complete.body
    again = cloud.speaker()
    refreshed = again.ask("refreshConnection", sessionId=session_id)
    assert (refreshed["access"], refreshed["passcode"]) == ("passcode", passcode)


def test_no_log_has_a_passcode(cloud: LocalCloud) -> None:
    """A code of letters, as no time and no id has them."""
    recognisable = "recognisable-passcode"
    session_id, _ = by_passcode(cloud.speaker())
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["sessionsTable"],
        Key={"sessionId": {"S": session_id}},
        UpdateExpression="SET passcode = :passcode",
        ExpressionAttributeValues={":passcode": {"S": recognisable}},
    )
    assert answer(join(cloud, session_id, passcode=recognisable)) == "sessionJoined"
    assert answer(join(cloud, session_id, passcode=f"{recognisable}!")) == "INVALID_PASSCODE"
    assert cloud.listener().ask("heartbeat").type == "heartbeatAck"
    for entry in cloud.outputs["functionNames"]:
        lines = [line.text for line in cloud.function_log(entry)]
        assert recognisable not in "\n".join(lines), entry


@pytest.mark.parametrize("entry", ["connection"])
def test_guesses_at_a_passcode_end_until_the_minute_is_over(cloud: LocalCloud, entry: str) -> None:
    session_id, passcode = by_passcode(cloud.speaker())
    limit = {"PASSCODE_MISSES_PER_SESSION_PER_MINUTE": str(MISSES_A_MINUTE)}
    with variables_of(cloud, entry, limit):
        while True:
            refused_until = until_refused_for_a_while(cloud, session_id, MISSES_A_MINUTE)
            right = answer(join(cloud, session_id, passcode=passcode))
            if time.monotonic() < refused_until:
                break
        assert right == "RATE_LIMITED"
        other = session_of(cloud, "es")
        assert other.listener.ask("pausePlayback").type == "playbackPaused"


def test_misses_of_both_actions_end_every_try_of_the_address(cloud: LocalCloud) -> None:
    session = session_of(cloud)
    limit = {"JOIN_MISSES_PER_ADDRESS_PER_MINUTE": str(MISSES_A_MINUTE)}
    with variables_of(cloud, "connection", limit), variables_of(cloud, "refresh", limit):
        refused = 0
        for _ in range(4 * MISSES_A_MINUTE):
            refresh = cloud.listener().ask(
                "refreshConnection",
                sessionId=session.session_id,
                connectionId="unknown=",
                targetLanguage="es",
            )
            joined = join(cloud, "no-such-session")
            assert answer(refresh) in ("CONNECTION_NOT_FOUND", "RATE_LIMITED")
            assert answer(joined) in ("SESSION_NOT_FOUND", "RATE_LIMITED")
            refused += [answer(refresh), answer(joined)].count("RATE_LIMITED")
        assert refused >= 4 * MISSES_A_MINUTE, "two minutes of the clock admit twice the limit"
        again = cloud.speaker()
        assert again.ask("refreshConnection", sessionId=session.session_id).type == (
            "connectionRefreshComplete"
        )


def test_a_passcode_is_not_judged_while_misses_cannot_be_counted(cloud: LocalCloud) -> None:
    session_id, passcode = by_passcode(cloud.speaker())
    open_id = cloud.speaker().create_session("en")
    table = cloud.outputs["rateLimitsTable"]
    with (
        DynamoDbFront(cloud, fails=lambda call: call.table == table) as front,
        behind(front, "connection"),
    ):
        for guess in (WRONG, passcode):
            assert answer(join(cloud, session_id, passcode=guess)) == "SERVICE_UNAVAILABLE"
        assert answer(join(cloud, open_id)) == "sessionJoined"
        assert front.failed > 0
    assert answer(join(cloud, session_id, passcode=passcode)) == "sessionJoined"
