"""Sessions without speech: joins and leaves, controls, refreshes, statuses and the end."""

import time
from collections.abc import Iterable, Mapping

from client.people import Listener, Participants, Speaker
from client.sockets import Frame
from local.demo.stage import GRACE_SECONDS, GRACE_TOLERANCE_SECONDS, Stage

LANGUAGES = {"Elena": "es", "Diego": "es", "Fleur": "fr", "Dieter": "de"}
ALL_LANGUAGES = {"de": 1, "es": 2, "fr": 1}
LANGUAGES_AFTER_FLEURS_CHANGE = {"de": 1, "es": 2, "it": 1}
LANGUAGES_WITHOUT_DIEGO = {"de": 1, "es": 1, "it": 1}
PAUSE_SECONDS = 1.5
# A new rule's first tick comes within a minute, and the second one half a minute later.
FIRST_STATUS_TIMEOUT_SECONDS = 75.0
NEXT_STATUS_TIMEOUT_SECONDS = 35.0
STATUS_SECONDS_APART = (28.0, 32.0)
# Long enough for a second copy of a frame to arrive, if there were one.
SETTLING_SECONDS = 2.0


def session_with_a_lost_speaker(stage: Stage, people: Participants) -> None:
    """A session whose speaker's socket is lost ends after the grace period."""
    stage.heading("A speaker who is lost")
    speaker, listener = people.speaker("Sara"), people.listener("Elias")
    stage.sent("Sara", "createSession en")
    session_id = speaker.create_session("en")
    stage.sent("Elias", "joinSession es")
    listener.join(session_id, "es")
    listener.expect("sessionJoined")
    closed_at = time.monotonic()
    speaker.close()
    stage.happened("Sara", "the page is closed and does not come back")
    ended = listener.expect("sessionEnded", GRACE_SECONDS + GRACE_TOLERANCE_SECONDS)
    after_seconds = ended.received_at - closed_at
    if after_seconds >= GRACE_SECONDS:
        stage.saw("kept", f"ended after {after_seconds:.2f} s")
    time.sleep(SETTLING_SECONDS)
    if [frame["reason"] for frame in listener.received("sessionEnded")] == ["speakerLost"]:
        stage.saw("lost")


def session_from_start_to_end(stage: Stage, people: Participants) -> None:
    """A session with four listeners, from createSession to endSession."""
    stage.heading("A session from start to end")
    speaker = people.speaker("Sam")
    stage.sent("Sam", "createSession en")
    session_id = speaker.create_session("en")
    stage.saw("created", session_id)

    listeners = {name: people.listener(name) for name in LANGUAGES}
    for name, listener in listeners.items():
        stage.sent(name, f"joinSession {LANGUAGES[name]}")
        listener.join(session_id, LANGUAGES[name])
        listener.expect("sessionJoined", targetLanguage=LANGUAGES[name])
    stage.saw("joined")
    stage.sent("Sam", "getSessionStatus")
    if _counts(speaker.ask_status(), ALL_LANGUAGES):
        stage.saw("requested")
    if len(_new_language_statuses(speaker)) == len(ALL_LANGUAGES):
        stage.saw("notified at once")

    stage.heading("A pause, and another language")
    _pause_and_resume(stage, speaker, listeners.values())
    stage.sent("Fleur", "changeLanguage it")
    listeners["Fleur"].change_language("it")
    speaker.expect("sessionStatus", languageDistribution=LANGUAGES_AFTER_FLEURS_CHANGE)
    stage.saw("changed")

    stage.heading("Moving to new sockets")
    speaker = _refreshed_speaker(stage, people, speaker, session_id)
    listeners["Elena"] = _refreshed_listener(stage, people, listeners["Elena"], session_id, "es")
    if _counts(speaker.ask_status(), LANGUAGES_AFTER_FLEURS_CHANGE):
        stage.saw("refreshed")

    stage.heading("Periodic statuses, each half minute")
    stage.happened("demo", "waiting for the next tick, up to a minute")
    first = _next_periodic(speaker, FIRST_STATUS_TIMEOUT_SECONDS)
    if not _counts(first, LANGUAGES_AFTER_FLEURS_CHANGE):  # a tick came before that change
        first = _next_periodic(speaker, NEXT_STATUS_TIMEOUT_SECONDS)
    if _counts(first, LANGUAGES_AFTER_FLEURS_CHANGE):
        stage.saw("first status")
    stage.sent("Diego", "leaveSession")
    gone = listeners.pop("Diego")
    gone.leave()
    gone.expect("sessionLeft")
    stage.saw("left")
    second = _next_periodic(speaker, NEXT_STATUS_TIMEOUT_SECONDS)
    apart_seconds = second.received_at - first.received_at
    shortest, longest = STATUS_SECONDS_APART
    if shortest <= apart_seconds <= longest and _counts(second, LANGUAGES_WITHOUT_DIEGO):
        stage.saw("second status", f"{apart_seconds:.2f} s")

    stage.heading("The end")
    stage.sent("Sam", "endSession")
    speaker.end_session()
    speaker.expect("sessionEnded", reason="speakerEnded")
    if _each_ends_once(listeners.values(), "speakerEnded") and not gone.received("sessionEnded"):
        stage.saw("ended")


def _pause_and_resume(stage: Stage, speaker: Speaker, listeners: Iterable[Listener]) -> None:
    stage.sent("Sam", "pauseBroadcast")
    paused = speaker.pause()
    time.sleep(PAUSE_SECONDS)
    stage.sent("Sam", "resumeBroadcast")
    resumed = speaker.resume()
    matches = [
        listener.expect(frame.type)["broadcastState"] == frame["broadcastState"]
        for frame in (paused, resumed)
        for listener in listeners
    ]
    if all(matches) and resumed["pausedSeconds"] >= PAUSE_SECONDS:
        stage.saw("paused", f"{resumed['pausedSeconds']:.1f} s")


def _refreshed_speaker(
    stage: Stage, people: Participants, old: Speaker, session_id: str
) -> Speaker:
    new = people.speaker("Sam")
    stage.sent("Sam", "refreshConnection, on a new socket")
    new.refresh(session_id)
    new.expect("stateRestored")
    old.close()
    return new


def _refreshed_listener(
    stage: Stage, people: Participants, old: Listener, session_id: str, language: str
) -> Listener:
    [joined] = old.received("sessionJoined")
    new = people.listener(old.name)
    stage.sent(old.name, "refreshConnection, on a new socket")
    new.refresh(session_id, joined["connectionId"], language)
    old.close()
    return new


def _new_language_statuses(speaker: Speaker) -> list[Frame]:
    statuses = speaker.received("sessionStatus")
    return [status for status in statuses if status["updateReason"] == "newLanguage"]


def _next_periodic(speaker: Speaker, timeout_seconds: float) -> Frame:
    return speaker.expect("sessionStatus", timeout_seconds, updateReason="periodic")


def _counts(status: Frame, languages: Mapping[str, int]) -> bool:
    return (
        status.get("listenerCount") == sum(languages.values())
        and status.get("languageDistribution") == languages
    )


def _each_ends_once(listeners: Iterable[Listener], reason: str) -> bool:
    for listener in listeners:
        listener.expect("sessionEnded", reason=reason)
    time.sleep(SETTLING_SECONDS)
    return all(len(listener.received("sessionEnded")) == 1 for listener in listeners)
