"""The statuses sent to the speaker at once: each change once, and small changes never.

A push precedes the answer to the listener who caused it, so a speaker who asks for the status after
that answer has received every push that there is.
"""

from concurrent.futures import ThreadPoolExecutor

from client.people import Speaker
from client.sockets import Frame
from local.cloud import LocalCloud
from tests.local.protocol.people import (
    connection_id_of,
    eventually,
    joined,
    session_of,
    wait_until_gone,
)

PUSHES = ("listenerCountChange", "newLanguage")


def pushed(speaker: Speaker) -> list[tuple[str, int]]:
    """The reason and count of every push so far."""
    speaker.ask_status()
    return [
        (frame["updateReason"], frame["listenerCount"])
        for frame in speaker.received("sessionStatus")
        if frame["updateReason"] in PUSHES
    ]


def test_a_new_language_is_sent_once_with_the_whole_status(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es")
    received = session.speaker.received("sessionStatus")
    [status] = [frame for frame in received if frame["updateReason"] in PUSHES]
    assert status["updateReason"] == "newLanguage"
    assert "requestId" not in status.body
    assert status["sessionId"] == session.session_id
    assert (status["listenerCount"], status["languageDistribution"]) == (1, {"es": 1})
    assert status["broadcastState"]["version"] == 1
    assert status["sessionDuration"] >= 0
    joined(cloud, session.session_id, "fr")
    assert pushed(session.speaker) == [("newLanguage", 1), ("newLanguage", 2)]
    assert session.listener.received("sessionStatus") == []


def test_a_count_is_sent_when_it_has_moved_by_more_than_a_tenth(cloud: LocalCloud) -> None:
    session = session_of(cloud, *["es"] * 10)
    steps = [("newLanguage", 1)] + [("listenerCountChange", count) for count in range(2, 11)]
    assert pushed(session.speaker) == steps
    joined(cloud, session.session_id, "es")
    assert pushed(session.speaker) == steps, "11 is not more than a tenth above 10"
    joined(cloud, session.session_id, "es")
    steps.append(("listenerCountChange", 12))
    assert pushed(session.speaker) == steps
    leaver, stayer, *_ = session.listeners
    leaver.ask("leaveSession")
    assert pushed(session.speaker) == steps, "11 is not more than a tenth below 12"
    stayer.ask("leaveSession")
    steps.append(("listenerCountChange", 10))
    assert pushed(session.speaker) == steps


def test_of_concurrent_movers_one_crosses_and_one_status_is_sent(cloud: LocalCloud) -> None:
    session = session_of(cloud, *["es"] * 10)
    before = pushed(session.speaker)
    newcomers = cloud.listeners(3)
    with ThreadPoolExecutor(3) as pool:
        replies = pool.map(
            lambda listener: listener.ask(
                "joinSession", sessionId=session.session_id, targetLanguage="es"
            ),
            newcomers,
        )
        assert [reply.type for reply in replies] == ["sessionJoined"] * 3
    [(reason, count)] = pushed(session.speaker)[len(before) :]
    assert reason == "listenerCountChange"
    assert count in (12, 13)


def test_of_many_who_bring_the_same_language_at_once_one_is_reported(cloud: LocalCloud) -> None:
    session = session_of(cloud)
    newcomers = cloud.listeners(8)
    for listener in newcomers:
        listener.join(session.session_id, "fr")
    for listener in newcomers:
        listener.expect("sessionJoined")
    pushes = pushed(session.speaker)
    assert [reason for reason, _ in pushes].count("newLanguage") == 1
    counts = [count for reason, count in pushes if reason == "listenerCountChange"]
    assert len(counts) == len(set(counts)), "a count was sent twice"
    assert session.speaker.ask_status()["listenerCount"] == 8


def test_a_change_of_language_reports_the_new_one_alone(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es", "fr")
    before = pushed(session.speaker)
    one, _ = session.listeners
    one.change_language("fr")
    assert pushed(session.speaker) == before, "fr was there, and two are two"
    one.change_language("de")
    assert pushed(session.speaker) == [*before, ("newLanguage", 2)]
    status = latest_push(session.speaker)
    assert status["languageDistribution"] == {"de": 1, "fr": 1}


def latest_push(speaker: Speaker) -> Frame:
    return [
        frame for frame in speaker.received("sessionStatus") if frame["updateReason"] in PUSHES
    ][-1]


def test_a_language_that_comes_back_is_new_again(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es", "fr")
    one, _ = session.listeners
    one.change_language("fr")
    before = pushed(session.speaker)
    one.change_language("es")
    assert pushed(session.speaker) == [*before, ("newLanguage", 2)]


def test_a_lost_listener_is_reported_too(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es", "fr")
    before = pushed(session.speaker)
    session.listeners[0].close()
    wait_until_gone(cloud, connection_id_of(session.listeners[0]))
    eventually(
        lambda: pushed(session.speaker) == [*before, ("listenerCountChange", 1)],
        "the status after the loss",
    )
    assert latest_push(session.speaker)["languageDistribution"] == {"fr": 1}


def test_no_other_client_receives_a_status(cloud: LocalCloud) -> None:
    session = session_of(cloud, "es", "fr")
    other = session_of(cloud, speaker=cloud.speaker(token=cloud.token_of_another_speaker()))
    joined(cloud, session.session_id, "de")
    assert pushed(other.speaker) == []
    assert all(not listener.received("sessionStatus") for listener in session.listeners)
