"""`make demo`: one scripted live session over real sockets.

It takes part in the local cloud that is running here, or starts one of its own. Exit code 0 if all
went as it should, 1 if not, 130 if it was interrupted.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.client import (
    Client,
    Frame,
    FrameMissing,
    HandshakeRefused,
    Listener,
    Participants,
    Speaker,
)
from local.cloud import LocalCloud
from local.deployer import DeployError
from local.emulator.process import EmulatorError
from local.run import Ended, ending_on_signals
from local.state_folder import StateFolder, running_outputs

LANGUAGES = {"Elena": "es", "Diego": "es", "Fleur": "fr", "Dieter": "de"}
ALL_LANGUAGES = {"de": 1, "es": 2, "fr": 1}
LANGUAGES_AFTER_FLEURS_CHANGE = {"de": 1, "es": 2, "it": 1}
LANGUAGES_WITHOUT_DIEGO = {"de": 1, "es": 1, "it": 1}
PAUSE_SECONDS = 1.5
GRACE_SECONDS = 10.0
GRACE_TOLERANCE_SECONDS = 8.0
# A fresh rule's first tick comes within a minute, and its second half a minute later.
FIRST_STATUS_TIMEOUT_SECONDS = 75.0
NEXT_STATUS_TIMEOUT_SECONDS = 35.0
STATUS_SECONDS_APART = (28.0, 32.0)
# Long enough for a second copy of a frame to arrive, if there were one.
SETTLING_SECONDS = 2.0

EXPECTATIONS = {
    "kept": (
        f"a session outlives its speaker's lost socket for {GRACE_SECONDS:g} s, "
        f"and for at most {GRACE_TOLERANCE_SECONDS:g} s more"
    ),
    "lost": "then its listener gets exactly one sessionEnded, reason speakerLost",
    "created": "a speaker, signed in through Cognito, creates a session",
    "joined": "four listeners join it, in es, es, fr and de",
    "told at once": "the speaker is told of each new language at once: es, fr, de",
    "requested": "getSessionStatus is answered: 4 listeners, de 1, es 2, fr 1",
    "paused": "pauseBroadcast and resumeBroadcast reach all four, with the speaker's version",
    "changed": "Fleur changes from fr to it, and the speaker is told at once",
    "refreshed": "the speaker and Elena go over to new sockets, and no count moves",
    "first status": "a periodic status says 4: de 1, es 2, it 1",
    "left": "a listener leaves",
    "second status": "the next periodic status, 28 to 32 s later, says 3: de 1, es 1, it 1",
    "ended": "endSession: each of the three gets exactly one sessionEnded, the one who left none",
}


class Stage:
    """What is shown: every message as it happens, and in the end what was seen."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._seen: dict[str, str] = {}

    def heading(self, text: str) -> None:
        self._print(f"\n{self._painted(text, '1')}")

    def sent(self, who: str, what: str) -> None:
        self._line(who, "→", what)

    def received(self, client: Client, frame: Frame) -> None:
        self._line(client.name, "←", summary(frame))

    def happened(self, who: str, what: str) -> None:
        self._line(who, "·", what)

    def saw(self, expectation: str, detail: str = "") -> None:
        self._seen[expectation] = detail

    def checklist(self) -> bool:
        """Print what was expected and seen; return whether that was all."""
        self.heading("Expected and seen")
        for key, text in EXPECTATIONS.items():
            mark = self._painted("✓", "32") if key in self._seen else self._painted("✗", "31")
            detail = self._seen.get(key, "not seen")
            self._print(f"  {mark} {text}{f'  ({detail})' if detail else ''}")
        return self._seen.keys() == EXPECTATIONS.keys()

    def _line(self, who: str, arrow: str, what: str) -> None:
        self._print(f"{time.monotonic() - self._start:7.2f} s  {who:<8} {arrow} {what}")

    def _painted(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def _print(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)


def main() -> int:
    stage = Stage()
    try:
        with ending_on_signals(), _outputs(stage) as outputs:
            play(stage, outputs)
    except Ended:
        return 130
    except (DeployError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if stage.checklist() else 1


def summary(frame: Frame) -> str:
    """A frame in one line: its type and what matters of it."""
    return f"{frame.type:<16} {SUMMARIES.get(frame.type, _all_fields)(frame)}".rstrip()


def distribution(languages: Mapping[str, int]) -> str:
    return ", ".join(f"{language} {count}" for language, count in sorted(languages.items()))


def _listeners(count: int) -> str:
    return f"{count} listener{'' if count == 1 else 's'}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _all_fields(frame: Frame) -> str:
    hidden = ("type", "timestamp", "requestId", "connectionId", "broadcastState")
    return "  ".join(f"{name}={value}" for name, value in frame.body.items() if name not in hidden)


SUMMARIES: Mapping[str, Callable[[Frame], str]] = {
    "sessionCreated": lambda frame: f"{frame['sessionId']}, from {frame['sourceLanguage']}",
    "sessionJoined": lambda frame: (
        f"{frame['sessionId']}, {frame['sourceLanguage']} to {frame['targetLanguage']}"
    ),
    "sessionEnded": lambda frame: f"{frame['sessionId']}, {frame['reason']}",
    "languageChanged": lambda frame: f"to {frame['targetLanguage']}",
    "connectionRefreshComplete": lambda frame: frame["sessionId"],
    "broadcastResumed": lambda frame: f"after {frame['pausedSeconds']:.1f} s",
    "sessionStatus": lambda frame: (
        f"{frame['updateReason']}: {_listeners(frame['listenerCount'])}"
        f"{_in_brackets(distribution(frame['languageDistribution']))}"
    ),
    "error": lambda frame: f"{frame['code']}: {frame['message']}",
}


@contextmanager
def _outputs(stage: Stage) -> Iterator[Mapping[str, Any]]:
    running = running_outputs()
    if running:
        folder, outputs = running
        stage.heading(f"Using the local cloud of {folder.name}/")
        yield outputs
        return
    stage.heading("Starting a local cloud")
    with StateFolder.claim() as folder, LocalCloud(folder.path) as cloud:
        stage.happened("cloud", f"ready at {cloud.outputs['websocketUrl']}")
        yield cloud.outputs


def play(stage: Stage, outputs: Mapping[str, Any]) -> None:
    """Play both scenes; one that misses something ends there, and the next is played."""
    for scene in SCENES:
        try:
            with Participants(outputs, on_frame=stage.received) as people:
                scene(stage, people)
        except (FrameMissing, HandshakeRefused, BotoCoreError, ClientError) as error:
            stage.happened("demo", f"this scene cannot go on: {error}")


def session_with_a_lost_speaker(stage: Stage, people: Participants) -> None:
    stage.heading("A speaker who is lost")
    speaker, listener = people.speaker("Sara"), people.listener("Elias")
    stage.sent("Sara", "createSession en")
    session_id = speaker.create_session("en")
    stage.sent("Elias", "joinSession es")
    listener.join(session_id, "es")
    listener.expect("sessionJoined")
    dropped_at = time.monotonic()
    speaker.drop()
    stage.happened("Sara", "the connection is cut, and never comes back")
    ended = listener.expect("sessionEnded", GRACE_SECONDS + GRACE_TOLERANCE_SECONDS)
    after_seconds = ended.received_at - dropped_at
    if after_seconds >= GRACE_SECONDS:
        stage.saw("kept", f"ended after {after_seconds:.2f} s")
    time.sleep(SETTLING_SECONDS)
    if [frame["reason"] for frame in listener.received("sessionEnded")] == ["speakerLost"]:
        stage.saw("lost")


def session_from_start_to_end(stage: Stage, people: Participants) -> None:
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
    if len(_news_of_languages(speaker)) == len(ALL_LANGUAGES):
        stage.saw("told at once")

    stage.heading("A pause, and another language")
    _pause_and_resume(stage, speaker, listeners.values())
    stage.sent("Fleur", "changeLanguage it")
    listeners["Fleur"].change_language("it")
    speaker.expect("sessionStatus", languageDistribution=LANGUAGES_AFTER_FLEURS_CHANGE)
    stage.saw("changed")

    stage.heading("New sockets for old ones")
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

    stage.heading("Its end")
    stage.sent("Sam", "endSession")
    speaker.end_session()
    speaker.expect("sessionEnded", reason="speakerEnded")
    if _each_is_told_once(listeners.values(), "speakerEnded") and not gone.received("sessionEnded"):
        stage.saw("ended")


def _pause_and_resume(stage: Stage, speaker: Speaker, listeners: Iterable[Listener]) -> None:
    stage.sent("Sam", "pauseBroadcast")
    paused = speaker.pause()
    time.sleep(PAUSE_SECONDS)
    stage.sent("Sam", "resumeBroadcast")
    resumed = speaker.resume()
    told = [
        listener.expect(frame.type)["broadcastState"] == frame["broadcastState"]
        for frame in (paused, resumed)
        for listener in listeners
    ]
    if all(told) and resumed["pausedSeconds"] >= PAUSE_SECONDS:
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


def _news_of_languages(speaker: Speaker) -> list[Frame]:
    statuses = speaker.received("sessionStatus")
    return [status for status in statuses if status["updateReason"] == "newLanguage"]


def _next_periodic(speaker: Speaker, timeout_seconds: float) -> Frame:
    return speaker.expect("sessionStatus", timeout_seconds, updateReason="periodic")


def _counts(status: Frame, languages: Mapping[str, int]) -> bool:
    return (
        status.get("listenerCount") == sum(languages.values())
        and status.get("languageDistribution") == languages
    )


def _each_is_told_once(listeners: Iterable[Listener], reason: str) -> bool:
    for listener in listeners:
        listener.expect("sessionEnded", reason=reason)
    time.sleep(SETTLING_SECONDS)
    return all(len(listener.received("sessionEnded")) == 1 for listener in listeners)


# The lost speaker first: a fresh rule's first tick is a minute away.
SCENES: tuple[Callable[[Stage, Participants], None], ...] = (
    session_with_a_lost_speaker,
    session_from_start_to_end,
)


if __name__ == "__main__":
    sys.exit(main())
