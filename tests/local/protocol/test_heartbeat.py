"""Heartbeats, and their replies as a connection approaches its time limit."""

import pytest

from client.sockets import Client, Frame
from local.cloud import LocalCloud
from tests.local.protocol.people import refusal, session_of

ADVICE = ("connectionRefreshRequired", "connectionWarning")


def advice_beside(client: Client) -> list[Frame]:
    """What came with the answers to two heartbeats; it is posted before each answer."""
    for _ in range(2):
        assert client.ask("heartbeat").type == "heartbeatAck"
    return [frame for frame in client.received() if frame.type in ADVICE]


@pytest.mark.parametrize("age_minutes", [0, 99])
def test_a_connection_that_is_young_is_just_answered(cloud: LocalCloud, age_minutes: float) -> None:
    speaker = cloud.speaker(age_minutes=age_minutes)
    assert advice_beside(speaker) == []
    assert speaker.ask("heartbeat").body.keys() == {"type", "timestamp", "requestId"}


def test_from_its_100th_minute_a_connection_is_asked_to_refresh(cloud: LocalCloud) -> None:
    for client in (cloud.listener(age_minutes=100), cloud.speaker(age_minutes=104)):
        advice = advice_beside(client)
        assert [frame.type for frame in advice] == ["connectionRefreshRequired"] * 2
        assert advice[0].body.keys() == {"type", "timestamp"}


def test_from_its_105th_minute_a_connection_is_warned_of_the_minutes_left(
    cloud: LocalCloud,
) -> None:
    for age_minutes, left in ((105, 15), (119, 1)):
        advice = advice_beside(cloud.listener(age_minutes=age_minutes))
        assert [frame.type for frame in advice] == ["connectionWarning"] * 2
        for frame in advice:
            assert frame.body.keys() == {"type", "timestamp", "remainingMinutes"}
            assert left - 1 <= frame["remainingMinutes"] <= left


def test_a_listener_whose_session_is_over_learns_it_by_a_heartbeat(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    session.speaker.ask("endSession")
    session.listener.expect("sessionEnded")
    assert refusal(session.listener.ask("heartbeat")) == "CONNECTION_NOT_FOUND"
    assert session.speaker.ask("heartbeat").type == "heartbeatAck"
