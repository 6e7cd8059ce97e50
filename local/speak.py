"""Speak a WAV file into a live session, in real time, and show what its speaker is told.

    python -m local.speak speech.wav --listen es
    python -m local.speak speech.wav --outputs outputs.json --username speaker@example.com
    python -m local.speak speech.wav --url wss://….amazonaws.com/live --token …

The first speaks into the local cloud that runs here; the second into a stack on AWS, of which
`pulumi stack output --json` made the file; the third into any. Exit code 0 if nothing was refused.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from client.people import Participants, Speaker
from client.recordings import (
    RecordingError,
    chunks_of,
    duration_seconds,
    in_real_time,
    read_recording,
    silence,
)
from client.sockets import Client, Frame, FrameMissing, HandshakeRefused
from client.speaker_options import PasswordUnavailable
from local.speak_options import Deployment, DeploymentUnknown, Options, deployment_of, options_of
from local.timeline import Timeline

# A microphone goes on after the last word, and the pause ends the sentence.
PAUSE_AT_THE_END_SECONDS = 2.0
# The last caption is the last when none has followed it for so long.
QUIET_SECONDS = 4.0
CAPTIONS_TIMEOUT_SECONDS = 20.0
POLL_SECONDS = 0.1
REFUSED_HANDSHAKES = {
    403: "the token does not hold: sign in again",
    429: "too many sockets were opened from this address: try again in a minute",
}


class Refused(Exception):
    """The service did not take what the speaking needs; the message is for people."""


class Report(Timeline):
    """Shows what happens; of each error code the first alone, and counts the others."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: Counter[str] = Counter()

    def received(self, client: Client, frame: Frame) -> None:
        # API Gateway's own frames have no type, and a message alone.
        if frame.type in ("error", "transcriptionError", ""):
            code = str(frame.get("code") or frame.type or frame.get("message"))
            self.errors[code] += 1
            if frame.type != "transcriptionError" and self.errors[code] > 1:
                return
        super().received(client, frame)


@dataclass(frozen=True)
class Speech:
    """Who speaks, in which session, and who listens."""

    report: Report
    speaker: Speaker
    session_id: str
    listeners: Sequence[Client]

    def say(self, samples: bytes, chunk_milliseconds: int) -> None:
        """Send the samples at their pace. Raises Refused when the session ends meanwhile."""
        chunks = chunks_of(samples, chunk_milliseconds)
        self.report.sent(
            self.speaker.name, f"{len(chunks)} chunks, {duration_seconds(samples):.1f} s"
        )
        for sequence, chunk in enumerate(in_real_time(chunks)):
            if self.speaker.received("sessionEnded"):
                raise Refused(f"the session ended after {sequence} of {len(chunks)} chunks")
            self.speaker.send_audio(chunk, sequence)

    def wait_for_captions(self) -> None:
        """Wait until no caption has come for a while."""
        began = time.monotonic()
        while time.monotonic() < began + CAPTIONS_TIMEOUT_SECONDS:
            times = [frame.received_at for frame in self._captions()]
            if time.monotonic() > max([began, *times]) + QUIET_SECONDS:
                return
            time.sleep(POLL_SECONDS)

    def _captions(self) -> list[Frame]:
        return [frame for listener in self.listeners for frame in listener.received("caption")]


def main(arguments: list[str] | None = None) -> int:
    options = options_of(arguments, __doc__)
    report = Report()
    try:
        samples = read_recording(options.file) + silence(PAUSE_AT_THE_END_SECONDS)
        deployment = deployment_of(options)
        with Participants(deployment.outputs, on_frame=report.received) as people:
            speak(report, people, deployment, options, samples)
    except KeyboardInterrupt:
        return 130
    except (RecordingError, DeploymentUnknown, PasswordUnavailable, Refused) as error:
        return _failed(str(error))
    except (BotoCoreError, ClientError) as error:
        return _failed(f"the sign-in did not succeed: {error}")
    for code, count in report.errors.items():
        report.line(f"told {code} {count} time{'' if count == 1 else 's'}")
    return 1 if report.errors else 0


def speak(
    report: Report, people: Participants, deployment: Deployment, options: Options, samples: bytes
) -> None:
    """Speak in a session of its own, which ends then, or in the one that is named."""
    speaker = _opened(people, deployment)
    if options.session:
        session_id = options.session
        _require(speaker, "refreshConnection", sessionId=session_id)
    else:
        created = _require(
            speaker, "createSession", sourceLanguage=options.language, qualityTier=options.quality
        )
        session_id = created["sessionId"]
    listeners: list[Client] = []
    for language in options.listen:
        listener = people.listener(f"reads-{language}")
        _require(listener, "joinSession", sessionId=session_id, targetLanguage=language)
        listeners.append(listener)
    speech = Speech(report, speaker, session_id, listeners)
    try:
        speech.say(samples, options.chunk_milliseconds)
        speech.wait_for_captions()
        if not options.session:
            _require(speaker, "endSession")
    except ConnectionClosed:
        raise Refused(_end_of(speaker)) from None


def _opened(people: Participants, deployment: Deployment) -> Speaker:
    try:
        return people.speaker(token=deployment.token)
    except HandshakeRefused as refusal:
        way_out = REFUSED_HANDSHAKES.get(refusal.status, "try again later")
        raise Refused(f"{refusal}: {way_out}") from None
    except (OSError, InvalidHandshake) as error:
        raise Refused(f"no socket could be opened at {deployment.url}: {error}") from None


def _require(client: Client, action: str, **fields: Any) -> Frame:
    """Return the reply; raises Refused when it is an error, or none comes."""
    try:
        reply = client.ask(action, **fields)
    except FrameMissing:
        raise Refused(f"{action} was not answered in time; try again") from None
    if reply.type in ("error", ""):
        raise Refused(f"{action} was refused: {reply.get('code')}: {reply.get('message')}")
    return reply


def _end_of(speaker: Speaker) -> str:
    """How the socket ended that something could not be sent on: it may not have been read yet."""
    code = speaker.expect_close()
    if code is None:
        return "the speaker's socket was lost: is the service still there?"
    return f"the service closed the speaker's socket with code {code}"


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
