"""Controls that overtake each other."""

from client.sockets import Client
from local.cloud import LocalCloud
from tests.local.protocol.people import eventually, session_of

CONTROLS = 50
PATIENCE_SECONDS = 90.0


def test_fifty_controls_sent_without_waiting_have_fifty_versions_and_the_highest_holds(
    cloud: LocalCloud,
) -> None:
    """A reply that API Gateway gave up waiting for is one less to look at; the control counts."""
    session = session_of(cloud, "es", "fr")
    speaker = session.speaker
    asked = {
        speaker.send("setVolume", volumeLevel=number / 100): number / 100
        for number in range(1, CONTROLS + 1)
    }
    for listener in session.listeners:
        eventually(
            lambda heard=listener: len(heard.received("volumeChanged")) == CONTROLS,
            f"{CONTROLS} changes told to {listener.name}",
            PATIENCE_SECONDS,
        )
    one, other = (states_told_to(listener) for listener in session.listeners)
    assert one == other
    assert sorted(one) == list(range(2, CONTROLS + 2))
    assert sorted(state["volume"] for state in one.values()) == list(asked.values())
    assert speaker.ask_status()["broadcastState"] == one[CONTROLS + 1]
    replies = speaker.received("volumeChanged")
    assert replies
    for reply in replies:
        assert reply["volumeLevel"] == asked[reply["requestId"]]
        assert reply["broadcastState"] == one[reply["broadcastState"]["version"]]


def states_told_to(client: Client) -> dict[int, dict[str, object]]:
    """The states of all changes, by version."""
    states = [frame["broadcastState"] for frame in client.received("volumeChanged")]
    return {state["version"]: state for state in states}
