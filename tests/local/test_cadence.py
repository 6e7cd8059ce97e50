"""The periodic status, from the rule and from the delay queue behind it."""

import pytest

from client.people import Listener, Speaker
from client.sockets import Frame
from local.cloud import LocalCloud
from tests.local.protocol.people import wait_for_log

TICK_TIMEOUT_SECONDS = 150


def next_periodic(speaker: Speaker) -> Frame:
    return speaker.expect("sessionStatus", TICK_TIMEOUT_SECONDS, updateReason="periodic")


@pytest.mark.timeout(400)
def test_speakers_get_their_own_status_from_both_ticks_of_the_minute(cloud: LocalCloud) -> None:
    speaker = cloud.speaker()
    quiet = cloud.speaker(token=cloud.token_of_another_speaker())
    session_id, quiet_id = speaker.create_session("en"), quiet.create_session("fr")
    listeners: list[Listener] = []
    for language in ("es", "es", "fr"):
        listener = cloud.listener()
        listener.join(session_id, language)
        listener.expect("sessionJoined")
        listeners.append(listener)
    first = next_periodic(speaker)
    listeners[0].leave()
    listeners[0].expect("sessionLeft")
    second = next_periodic(speaker)
    for frame, count, languages in (
        (first, 3, {"es": 2, "fr": 1}),
        (second, 2, {"es": 1, "fr": 1}),
    ):
        assert frame["sessionId"] == session_id
        assert frame["listenerCount"] == count
        assert frame["languageDistribution"] == languages
    assert second["sessionDuration"] > first["sessionDuration"]
    assert next_periodic(quiet)["sessionId"] == quiet_id
    for offset_seconds in (0, 30):
        wait_for_log(cloud, "session_status", message="tick", offset_seconds=offset_seconds)
    assert all(not listener.received("sessionStatus") for listener in listeners)
