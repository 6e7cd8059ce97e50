"""Speak a WAV file into a live session in real time, and show the frames that are received.

    python -m local.speak speech.wav --listen es
    python -m local.speak speech.wav --outputs outputs.json --username speaker@example.com
    python -m local.speak speech.wav --url wss://….amazonaws.com/live --token …

The first uses the local cloud that is running here; the second a stack on AWS, whose outputs
`pulumi stack output --json` wrote to the file; the third any stack. Exit code 0 if nothing was
refused.
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

# Silence after the last word ends the sentence, as with a microphone that stays on.
PAUSE_AT_THE_END_SECONDS = 2.0
# A caption counts as the last one if none follows within this time.
QUIET_SECONDS = 4.0
CAPTIONS_TIMEOUT_SECONDS = 20.0
POLL_SECONDS = 0.1
REFUSED_HANDSHAKES = {
    403: "the token is invalid: sign in again",
    429: "too many sockets were opened from this address: try again in a minute",
}


class Refused(Exception):
    """The service refused a request that speaking needs; the message is for people."""


class Report(Timeline):
    """Shows each event; of each error code it shows the first frame and counts the others."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: Counter[str] = Counter()

    def received(self, client: Client, frame: Frame) -> None:
        # API Gateway's own frames have a message but no type.
        if frame.type in ("error", "transcriptionError", ""):
            code = str(frame.get("code") or frame.type or frame.get("message"))
            self.errors[code] += 1
            if frame.type != "transcriptionError" and self.errors[code] > 1:
                return
        super().received(client, frame)


@dataclass(frozen=True)
class Speech:
    """The speaker, the session and its listeners."""

    report: Report
    speaker: Speaker
    session_id: str
    listeners: Sequence[Client]

    def say(self, samples: bytes, chunk_milliseconds: int) -> None:
        """Send the samples in real time; raises Refused if the session ends meanwhile."""
        chunks = chunks_of(samples, chunk_milliseconds)
        self.report.sent(
            self.speaker.name, f"{len(chunks)} chunks, {duration_seconds(samples):.1f} s"
        )
        for sequence, chunk in enumerate(in_real_time(chunks)):
            if self.speaker.received("sessionEnded"):
                raise Refused(f"the session ended after {sequence} of {len(chunks)} chunks")
            self.speaker.send_audio(chunk, sequence)

    def wait_for_captions(self) -> None:
        """Wait until no caption has arrived for QUIET_SECONDS."""
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
        report.line(f"received {code} {count} time{'' if count == 1 else 's'}")
    return 1 if report.errors else 0


def speak(
    report: Report, people: Participants, deployment: Deployment, options: Options, samples: bytes
) -> None:
    """Speak in a new session, which is ended afterwards, or in the one that `--session` names."""
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
    """Return the reply; raises Refused if it is an error or does not arrive."""
    try:
        reply = client.ask(action, **fields)
    except FrameMissing:
        raise Refused(f"{action} was not answered in time; try again") from None
    if reply.type in ("error", ""):
        raise Refused(f"{action} was refused: {reply.get('code')}: {reply.get('message')}")
    return reply


def _end_of(speaker: Speaker) -> str:
    """Return how the socket was closed, which may not have been read yet."""
    code = speaker.expect_close()
    if code is None:
        return "the speaker's socket was lost: is the service still there?"
    return f"the service closed the speaker's socket with code {code}"


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
