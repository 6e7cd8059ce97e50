"""The errors that clients receive when a part of the service fails, and the recovery."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest

from client.sockets import Frame
from local.cloud import LocalCloud
from local.speech.faults import StreamFault
from tests.local.protocol.people import refusal, session_of
from tests.local.protocol.unwell import Call, DynamoDbFront, behind
from tests.local.speech.sounds import silence

# Longer than three attempts of a second each.
UNWELL_TIMEOUT_SECONDS = 60.0


@contextmanager
def unwell(
    cloud: LocalCloud,
    entry: str,
    status: HTTPStatus | None,
    fails: Callable[[Call], bool] = lambda _: True,
) -> Iterator[None]:
    """DynamoDB answers the function with the status, or, without one, not at all."""
    with DynamoDbFront(cloud, fails=fails, status=status) as front:
        with behind(front, entry):
            yield
        assert front.failed > 0, "the function did not meet the fault"


def is_read(call: Call) -> bool:
    return call.operation == "GetItem"


def without_internals(reply: Frame) -> Frame:
    """Check that the error reveals nothing about the implementation, and return it."""
    assert "details" not in reply.body
    for word in ("dynamo", "aws", "exception", "table", "denied", "endpoint"):
        assert word not in reply["message"].lower()
    return reply


def test_a_status_that_takes_too_long_is_refused_in_time(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    with unwell(cloud, "session_status", None, is_read):
        reply = session.speaker.ask("getSessionStatus", UNWELL_TIMEOUT_SECONDS)
    assert refusal(without_internals(reply)) == "STATUS_TIMEOUT"
    assert session.speaker.ask_status()["listenerCount"] == 1


@pytest.mark.parametrize("status", [HTTPStatus.SERVICE_UNAVAILABLE, None], ids=["503", "silent"])
def test_a_table_that_does_not_answer_makes_the_service_unavailable(
    cloud: LocalCloud, status: HTTPStatus | None
) -> None:
    session = session_of(cloud, "es")
    before = session.speaker.ask_status()["broadcastState"]
    with unwell(cloud, "connection", status, is_read):
        reply = session.speaker.ask("pauseBroadcast", UNWELL_TIMEOUT_SECONDS)
    assert refusal(without_internals(reply)) == "SERVICE_UNAVAILABLE"
    assert session.speaker.ask_status()["broadcastState"] == before
    assert session.speaker.pause().type == "broadcastPaused"
    assert session.listener.expect("broadcastPaused")


@pytest.mark.parametrize(
    ("entry", "action"),
    [
        ("connection", "setVolume"),
        ("refresh", "refreshConnection"),
        ("session_status", "getSessionStatus"),
        ("heartbeat", "heartbeat"),
    ],
)
def test_a_fault_of_the_service_itself_is_an_internal_error(
    cloud: LocalCloud, entry: str, action: str
) -> None:
    session = session_of(cloud, "es")
    fields = {"volumeLevel": 0.5, "sessionId": session.session_id}
    with unwell(cloud, entry, HTTPStatus.BAD_REQUEST):
        reply = session.speaker.ask(action, UNWELL_TIMEOUT_SECONDS, **fields)
    assert refusal(without_internals(reply)) == "INTERNAL_ERROR"
    assert session.speaker.ask(action, **fields).type != "error"


def test_a_speaker_whose_audio_cannot_be_transcribed_is_notified(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    session_id = speaker.create_session("de")
    cloud.speech.order(StreamFault(exception="AccessDeniedException", message="no such aws table"))
    try:
        speaker.send_audio(silence(100), 0)
        error = without_internals(speaker.expect("transcriptionError", UNWELL_TIMEOUT_SECONDS))
    finally:
        cloud.speech.cancel_faults()
    assert error["sessionId"] == session_id
    assert (error["isPermanent"], error["retryAfterSeconds"]) == (True, 30)
    assert speaker.ask("endSession").type == "sessionEnded"
