"""The recogniser behind a real WebSocket, with connections that really break."""

from __future__ import annotations

import json
import socket
import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from live_sessions.audio.transcribe_socket import TranscribeStream
from live_sessions.audio.transcription import Transcription
from tests.handlers.audio.clock import StandingClock
from tests.handlers.audio.recogniser import chunk, pause, word
from tests.handlers.audio.test_transcription import NUMBERING, Outcome
from tests.handlers.transcribe.frames import event, exception, result
from tests.handlers.transcribe.peer import UNLIMITED, audio_of, transcribing
from tests.patience import wait_until

WORDS = 24
STEP_SECONDS = 0.0001
"""Of the clock, for each look at a stream: five seconds of it are fifty thousand."""


pytestmark = pytest.mark.usefixtures("no_thread_is_left")


class Speaker:
    """Recognises as the fake streams do; a connection breaks as the first of `breaks` says."""

    def __init__(self, *breaks: tuple[int, Callable[[ServerConnection], None]]) -> None:
        self.breaks = list(breaks)
        self.connections = 0

    def recognise(self, connection: ServerConnection) -> None:
        self.connections += 1
        after, break_off = self.breaks.pop(0) if self.breaks else (-1, None)
        words: list[int] = []
        began_at = ended_at = seconds = 0.0
        for number, audio in enumerate(audio_of(connection), 1):
            begins_at, seconds = seconds, seconds + len(audio) / 32_000
            if heard := array("h", audio)[0]:
                began_at, ended_at = (began_at if words else begins_at), seconds
                words.append(heard)
            say(connection, words, began_at, ended_at, is_partial=bool(heard))
            if not heard:
                words.clear()
            if number == after and break_off:
                break_off(connection)
                return
        say(connection, words, began_at, ended_at, is_partial=False)


def say(
    connection: ServerConnection,
    words: list[int],
    start: float,
    end: float,
    *,
    is_partial: bool,
) -> None:
    if words:
        said = result(
            " ".join(map(str, words)),
            partial=is_partial,
            StartTime=round(start, 3),
            EndTime=round(end, 3),
        )
        connection.send(event(json.dumps({"Transcript": {"Results": [said]}}).encode()))


def reset(connection: ServerConnection) -> None:
    connection.socket.shutdown(socket.SHUT_RDWR)


def close_early(connection: ServerConnection) -> None:
    connection.close(1000)


def go_away(connection: ServerConnection) -> None:
    connection.close(1011)


def throttle(connection: ServerConnection) -> None:
    connection.send(exception("LimitExceededException", "You have reached your limit"))


def hear_nothing(connection: ServerConnection) -> None:
    text = "Your request timed out because no new audio was received for 15 seconds."
    connection.send(exception("BadRequestException", text))


def talk_rubbish(connection: ServerConnection) -> None:
    connection.send(b"rubbish")


BREAKS = {
    "reset": reset,
    "closed early": close_early,
    "gone away": go_away,
    "throttled": throttle,
    "no audio": hear_nothing,
    "rubbish": talk_rubbish,
}


def transcribed(speaker: Speaker) -> Outcome:
    """What is final of a speech of WORDS words, four to a phrase."""
    outcome, clock = Outcome(), StandingClock()
    with transcribing(speaker.recognise) as peer:
        open_stream = partial(
            TranscribeStream.open,
            peer.aws(),
            "en-US",
            stability=None,
            clock=clock.handlers,
            limits=UNLIMITED,
        )
        transcription = Transcription(
            open_stream,
            NUMBERING,
            outcome.transcripts.append,
            outcome.report,
            clock.handlers,
            pause_seconds=lambda _: 0,
        )
        sequence = 0
        for number in range(1, WORDS + 1):
            for audio in [word(number), *([pause()] if number % 4 == 0 else [])]:
                transcription.feed(chunk(sequence, audio))
                sequence += 1
                time.sleep(0.002)
                clock.now += STEP_SECONDS
                transcription.tick()

        def finishes() -> bool:
            clock.now += STEP_SECONDS
            return transcription.finish()

        wait_until(finishes)
        transcription.close()
    return outcome


def test_a_speech_is_heard_over_one_connection() -> None:
    speaker = Speaker()
    assert transcribed(speaker).words() == list(range(1, WORDS + 1))
    assert speaker.connections == 1


@pytest.mark.parametrize("after", [1, 3, 5, 7])
@pytest.mark.parametrize("break_off", BREAKS.values(), ids=BREAKS)
def test_connections_that_break_cost_no_word_and_double_none(break_off: Any, after: int) -> None:
    speaker = Speaker((after, break_off), (after + 4, break_off))
    outcome = transcribed(speaker)
    assert outcome.words() == list(range(1, WORDS + 1))
    assert speaker.connections == 3
    assert outcome.failures == []
