"""Controls that overtake each other."""

from client.sockets import Client
from local.cloud import LocalCloud
from tests.local.protocol.people import eventually, session_of

CONTROLS = 50
REPLY_TIMEOUT_SECONDS = 110


def test_fifty_controls_sent_without_waiting_have_fifty_versions_and_the_highest_is_the_state(
    cloud: LocalCloud,
) -> None:
    session = session_of(cloud, "es", "fr")
    speaker = session.speaker
    asked = {
        speaker.send("setVolume", volumeLevel=number / 100): number / 100
        for number in range(1, CONTROLS + 1)
    }
    answered = {key: speaker.answer_to(key, REPLY_TIMEOUT_SECONDS) for key in asked}
    state = speaker.ask_status()["broadcastState"]
    versions = list(range(2, CONTROLS + 2))
    for listener in session.listeners:
        eventually(
            lambda heard=listener: sorted(states_sent_to(heard)) == versions,
            f"every change is sent to {listener.name}",
        )
    one, other = (states_sent_to(listener) for listener in session.listeners)
    assert one == other
    assert {each["volume"] for each in one.values()} == set(asked.values())
    assert state == one[versions[-1]]
    assert sorted(reply["broadcastState"]["version"] for reply in answered.values()) == versions
    for request_id, reply in answered.items():
        assert reply["volumeLevel"] == asked[request_id]
        assert reply["broadcastState"] == one[reply["broadcastState"]["version"]]


def states_sent_to(client: Client) -> dict[int, dict[str, object]]:
    """The states of all changes, by version."""
    states = [frame["broadcastState"] for frame in client.received("volumeChanged")]
    return {state["version"]: state for state in states}
