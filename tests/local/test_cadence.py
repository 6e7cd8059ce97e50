"""The periodic status, from the rule and from the delay queue behind it."""

from client.people import Listener, Speaker
from client.sockets import Frame
from local.cloud import LocalCloud

TICK_TIMEOUT_SECONDS = 100


def next_periodic(speaker: Speaker) -> Frame:
    return speaker.expect("sessionStatus", TICK_TIMEOUT_SECONDS, updateReason="periodic")


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
    offsets = [
        line.fields["offset_seconds"]
        for line in cloud.function_log("session_status")
        if line.fields.get("message") == "tick"
    ]
    assert {0, 30} <= set(offsets)
    assert all(not listener.received("sessionStatus") for listener in listeners)
