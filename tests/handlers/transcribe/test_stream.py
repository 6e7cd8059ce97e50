"""One stream, against a real WebSocket server on loopback."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.sync.server import ServerConnection

from live_sessions.audio.slots import LEASE_SECONDS, RENEWED_EVERY_SECONDS
from live_sessions.audio.transcribe import FailureKind, TranscribeFailure, presigned_url
from live_sessions.audio.transcribe_socket import (
    LIMITS,
    Connection,
    StreamLimits,
    TranscribeStream,
    open_connection,
)
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment, Clock
from tests.handlers.transcribe.clock import SteppedClock
from tests.handlers.transcribe.frames import event, exception, result, transcript
from tests.handlers.transcribe.peer import (
    SECRET,
    UNLIMITED,
    Peer,
    accepting,
    audio_of,
    say,
    shake_hands,
    transcribing,
)
from tests.handlers.transcribe.signature import computed_signature
from tests.patience import PATIENCE_SECONDS, wait_until

CHUNK = b"\x01\x02" * 1600
SECOND = b"\x00\x00" * 16_000
LAST_CHUNK = b"\x03\x04" * 800
NO_AUDIO = "Your request timed out because no new audio was received for 15 seconds."
TRANSIENT, PERMANENT = FailureKind.TRANSIENT, FailureKind.PERMANENT


BY_CLOCK = replace(
    UNLIMITED,
    last_results=LIMITS.last_results,
    ping_every=LIMITS.ping_every,
    silence=LIMITS.silence,
)
"""Limits that the stream's clock decides."""

STANDING = Clock(monotonic=lambda: 1000.0)


class Wrapped:
    """A connection of which a test watches or changes some calls."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


Wrap = Callable[[Connection], Any]


def stream_to(
    aws: AwsEnvironment,
    *,
    stability: str | None = None,
    clock: Clock = STANDING,
    limits: StreamLimits = UNLIMITED,
    wrap: Wrap = lambda connection: connection,
) -> TranscribeStream:
    """The clock is the stream's; connecting goes by the system's."""
    url = presigned_url(aws, "en-US", 16_000, stability=stability)
    return TranscribeStream(wrap(open_connection(url, SYSTEM_CLOCK, limits)), 16_000, clock, limits)


@contextlib.contextmanager
def opened(
    script: Callable[[ServerConnection], None],
    *,
    stability: str | None = None,
    clock: Clock = STANDING,
    limits: StreamLimits = UNLIMITED,
    wrap: Wrap = lambda connection: connection,
    **options: Any,
) -> Iterator[tuple[TranscribeStream, Peer]]:
    with transcribing(script, **options) as peer:
        stream = stream_to(peer.aws(), stability=stability, clock=clock, limits=limits, wrap=wrap)
        try:
            yield stream, peer
        finally:
            stream.close()


@contextlib.contextmanager
def deaf(
    script: Callable[[socket.socket], None] | None = None,
    *,
    clock: Clock = STANDING,
    limits: StreamLimits = UNLIMITED,
    wrap: Wrap = lambda connection: connection,
) -> Iterator[TranscribeStream]:
    """A stream whose peer opened it and reads nothing; `script` says what it sends."""

    def hang(sock: socket.socket) -> None:
        shake_hands(sock)
        if script is not None:
            script(sock)
        peer.is_over.wait(PATIENCE_SECONDS)

    with accepting(hang) as peer:
        stream = stream_to(peer.aws(), clock=clock, limits=limits, wrap=wrap)
        try:
            yield stream
        finally:
            stream.close()


def wait_for_client_to_leave(connection: ServerConnection) -> None:
    for _ in connection:
        pass


def send_on(stream: TranscribeStream, audio: bytes) -> None:
    """Until the stream fails."""
    while True:
        stream.send(audio)


def failure_of_results(stream: TranscribeStream) -> TranscribeFailure:
    with pytest.raises(TranscribeFailure) as failure:
        list(stream.results())
    return failure.value


def test_audio_goes_out_in_order_and_partials_and_finals_come_back() -> None:
    heard: list[bytes] = []

    def script(connection: ServerConnection) -> None:
        connection.send(transcript())
        for audio in audio_of(connection):
            heard.append(audio)
            connection.send(transcript(result(f"so far {len(heard)}", partial=True)))
        connection.send(event(b"{}", "UtteranceEvent"))
        connection.send(transcript(result("the first"), result("the last", result_id="r2")))

    with ThreadPoolExecutor(1) as reader, opened(script) as (stream, _):
        results = reader.submit(lambda: list(stream.results()))
        for audio in (CHUNK, CHUNK, LAST_CHUNK):
            stream.send(audio)
        stream.end()
        said = results.result(PATIENCE_SECONDS)
    assert heard == [CHUNK, CHUNK, LAST_CHUNK]
    assert [(each.text, each.is_partial) for each in said] == [
        ("so far 1", True),
        ("so far 2", True),
        ("so far 3", True),
        ("the first", False),
        ("the last", False),
    ]
    assert (said[-1].start_time, said[-1].end_time) == (0.5, 1.25)


def test_the_handshake_carries_the_signed_url_and_offers_no_compression() -> None:
    with opened(wait_for_client_to_leave, stability="high", compression="deflate") as (_, peer):
        request = peer.connection().request
    assert request is not None
    _, signature = request.path.split("X-Amz-Signature=")
    assert signature == computed_signature(request.path, request.headers["Host"], SECRET)
    assert "partial-results-stability=high" in request.path
    assert "Sec-WebSocket-Extensions" not in request.headers


def test_a_result_is_handed_over_as_soon_as_it_comes() -> None:
    go_on = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(transcript(result("now", partial=True)))
        assert go_on.wait(PATIENCE_SECONDS)
        list(audio_of(connection))

    with opened(script) as (stream, _):
        results = stream.results()
        assert next(results).text == "now"
        go_on.set()
        stream.end()
        assert list(results) == []


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("LimitExceededException", "", TRANSIENT),
        ("InternalFailureException", "", TRANSIENT),
        ("ServiceUnavailableException", "", TRANSIENT),
        ("ConflictException", "", TRANSIENT),
        ("BadRequestException", "Your stream is too big.", TRANSIENT),
        ("AccessDeniedException", "", PERMANENT),
        ("BadRequestException", NO_AUDIO, FailureKind.TIMED_OUT_WITHOUT_AUDIO),
    ],
)
def test_an_exception_fails_the_stream_by_its_kind_for_reader_and_sender(
    name: str, text: str, kind: FailureKind
) -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(transcript(result("before")))
        connection.send(exception(name, text))

    with opened(script) as (stream, peer):
        results = stream.results()
        assert next(results).text == "before"
        with pytest.raises(TranscribeFailure) as failure:
            next(results)
        assert failure.value.kind is kind
        assert failure.value.message == (f"{name}: {text}" if text else name)
        for attempt in (lambda: stream.send(CHUNK), stream.end):
            with pytest.raises(TranscribeFailure) as later:
                attempt()
            assert later.value is failure.value
        assert peer.ended.wait(PATIENCE_SECONDS)


def test_a_sender_that_meets_the_closed_stream_first_still_raises_the_exception() -> None:
    has_met_the_close = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(exception("AccessDeniedException", "Not yours."))

    class Watched(Wrapped):
        def send(self, data: bytes) -> None:
            try:
                self.connection.send(data)
            except ConnectionClosed:
                has_met_the_close.set()
                raise

    def read(stream: TranscribeStream) -> TranscribeFailure:
        assert has_met_the_close.wait(PATIENCE_SECONDS)
        return failure_of_results(stream)

    with ThreadPoolExecutor(1) as reader, opened(script, wrap=Watched) as (stream, _):
        read_failure = reader.submit(read, stream)
        with pytest.raises(TranscribeFailure) as sent_failure:
            send_on(stream, CHUNK)
        assert sent_failure.value is read_failure.result(PATIENCE_SECONDS)
        assert sent_failure.value.kind is PERMANENT


def test_a_sender_without_a_reader_gets_the_close() -> None:
    with (
        opened(lambda connection: None, limits=replace(UNLIMITED, verdict=0.05)) as (stream, _),
        pytest.raises(TranscribeFailure, match="closed by Transcribe: 1000"),
    ):
        send_on(stream, CHUNK)


def test_a_peer_that_announces_its_close_and_stays_fails_the_sender_in_time() -> None:
    limits = replace(UNLIMITED, close=0.05, verdict=0.05)
    close = Frame(Opcode.CLOSE, Close(CloseCode.NORMAL_CLOSURE, "").serialize())
    with (
        deaf(lambda sock: sock.sendall(close.serialize(mask=False)), limits=limits) as stream,
        pytest.raises(TranscribeFailure, match="closed by Transcribe: 1000"),
    ):
        send_on(stream, CHUNK)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CloseCode.NORMAL_CLOSURE, TRANSIENT),
        (CloseCode.GOING_AWAY, TRANSIENT),
        (CloseCode.INTERNAL_ERROR, TRANSIENT),
        (CloseCode.SERVICE_RESTART, TRANSIENT),
        (CloseCode.UNSUPPORTED_DATA, TRANSIENT),
        (CloseCode.POLICY_VIOLATION, PERMANENT),
    ],
)
def test_a_close_before_the_end_of_the_audio_is_a_failure(code: int, kind: FailureKind) -> None:
    with opened(lambda connection: connection.close(code, "wss://secret")) as (stream, _):
        failure = failure_of_results(stream)
    assert failure.kind is kind
    assert failure.message == f"closed by Transcribe: {int(code)}"


@pytest.mark.parametrize("code", [CloseCode.GOING_AWAY, CloseCode.INTERNAL_ERROR])
def test_a_close_after_the_end_of_the_audio_must_be_a_normal_one(code: int) -> None:
    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        connection.close(code)

    with opened(script) as (stream, _):
        stream.end()
        assert failure_of_results(stream).message == f"closed by Transcribe: {int(code)}"


def test_a_close_without_a_code_after_the_end_of_the_audio_is_a_normal_one() -> None:
    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        with connection.send_context():
            connection.protocol.send_close()

    with opened(script) as (stream, _):
        stream.end()
        assert list(stream.results()) == []


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_connection_lost_without_a_word_is_a_transient_failure(has_ended: bool) -> None:
    def script(connection: ServerConnection) -> None:
        if has_ended:
            list(audio_of(connection))
        connection.close_socket()

    with opened(script) as (stream, _):
        if has_ended:
            stream.end()
        failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (TRANSIENT, "connection lost")


@pytest.mark.parametrize(
    ("rubbish", "message"),
    [
        ('{"Transcript": {"Results": []}}', "malformed message: text instead of bytes"),
        ("long " * 100_000, "malformed message: text instead of bytes"),
        (b"", "malformed message: 0 bytes"),
        (b"rubbish" * 100, "malformed message: 700 bytes instead of 1920295522"),
        (transcript(result("a"))[:-1], "malformed message: "),
        (transcript(result("a")) * 2, "malformed message: "),
        (event(b"{}"), "malformed message: a TranscriptEvent of another form"),
        (b"x" * (1024 * 1024 + 1), "closed by this function: 1009"),
        ("x" * (1024 * 1024 + 1), "closed by this function: 1009"),
    ],
    ids=itertools.count(),
)
def test_rubbish_ends_the_stream_with_a_transient_failure(
    rubbish: str | bytes, message: str
) -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(rubbish)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, peer):
        failure = failure_of_results(stream)
        assert peer.ended.wait(PATIENCE_SECONDS), (
            "the stream is of no more use and must be given up"
        )
    assert failure.kind is TRANSIENT
    assert failure.message.startswith(message)


def test_bytes_that_are_no_websocket_end_the_stream() -> None:
    def script(connection: ServerConnection) -> None:
        connection.socket.sendall(b"\xff" * 64)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _):
        failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (TRANSIENT, "closed by this function: 1002")


def test_text_that_is_not_utf_8_ends_the_stream() -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(b"\xff\xfe", text=True)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _):
        failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (TRANSIENT, "closed by this function: 1007")


def test_a_peer_that_does_not_close_after_the_end_is_left_in_time(clock: SteppedClock) -> None:
    said: queue.Queue[str] = queue.Queue()

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        connection.send(transcript(result("the last")))
        wait_for_client_to_leave(connection)

    def read(stream: TranscribeStream) -> None:
        for each in stream.results():
            said.put(each.text)

    with (
        ThreadPoolExecutor(1) as reader,
        opened(script, clock=clock.handlers, limits=BY_CLOCK) as (stream, peer),
    ):
        reading = reader.submit(read, stream)
        clock.pass_by(LIMITS.silence - 5)
        stream.end()
        ended_at = clock.monotonic()
        assert said.get(timeout=PATIENCE_SECONDS) == "the last"
        clock.allow(2 * LIMITS.last_results)
        with pytest.raises(TranscribeFailure, match="not closed") as failure:
            reading.result(PATIENCE_SECONDS)
        assert_was_left_after(LIMITS.last_results, clock.monotonic() - ended_at)
        assert failure.value.kind is TRANSIENT
        assert peer.ended.wait(PATIENCE_SECONDS)


def assert_was_left_after(limit_seconds: float, seconds: float) -> None:
    """Each look at the clock takes a second."""
    assert limit_seconds <= seconds <= limit_seconds + 3


def test_a_peer_that_goes_on_talking_after_the_end_is_left_in_time(clock: SteppedClock) -> None:

    def script(connection: ServerConnection) -> None:
        while True:
            connection.send(transcript())
            time.sleep(0.01)

    limits = replace(BY_CLOCK, poll=PATIENCE_SECONDS)
    with opened(script, clock=clock.handlers, limits=limits) as (stream, _):
        stream.end()
        clock.allow(2 * LIMITS.last_results)
        with pytest.raises(TranscribeFailure, match="not closed"):
            list(stream.results())


def test_a_peer_that_answers_neither_audio_nor_pings_is_left_in_time(clock: SteppedClock) -> None:
    with deaf(clock=clock.handlers, limits=BY_CLOCK) as stream:
        stream.send(CHUNK)
        began = clock.monotonic()
        clock.allow(2 * LIMITS.silence)
        failure = failure_of_results(stream)
        assert_was_left_after(LIMITS.silence, clock.monotonic() - began)
    assert (failure.kind, failure.message) == (TRANSIENT, "silent")


def test_a_peer_that_answers_pings_is_waited_for(clock: SteppedClock) -> None:
    class Answered(Wrapped):
        def ping(self) -> threading.Event:
            pong = self.connection.ping()
            assert pong.wait(PATIENCE_SECONDS)
            return pong

    def script(connection: ServerConnection) -> None:
        clock.pass_by(4 * LIMITS.silence)
        connection.send(transcript(result("at last")))
        wait_for_client_to_leave(connection)

    with opened(script, clock=clock.handlers, limits=BY_CLOCK, wrap=Answered) as (stream, _):
        assert next(stream.results()).text == "at last"


def test_a_peer_that_sends_messages_is_waited_for(clock: SteppedClock) -> None:
    was_read = threading.Semaphore(0)

    def script(sock: socket.socket) -> None:
        for number in range(4):
            clock.pass_by(LIMITS.silence - 5)
            say(sock, transcript(result(f"{number}")))
            assert was_read.acquire(timeout=PATIENCE_SECONDS)

    with deaf(script, clock=clock.handlers, limits=BY_CLOCK) as stream:
        results = stream.results()
        for number in range(4):
            assert next(results).text == f"{number}"
            was_read.release()


def test_a_reader_that_was_away_longer_than_the_limit_does_not_blame_the_peer(
    clock: SteppedClock,
) -> None:
    again = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(transcript(result("one")))
        assert again.wait(PATIENCE_SECONDS)
        clock.pass_by(3)
        connection.send(transcript(result("two")))
        wait_for_client_to_leave(connection)

    with opened(script, clock=clock.handlers, limits=BY_CLOCK) as (stream, _):
        results = stream.results()
        assert next(results).text == "one"
        clock.jump(2 * LIMITS.silence)
        again.set()
        assert next(results).text == "two"


class AlwaysRoom(Wrapped):
    def has_room(self, within_seconds: float) -> bool:
        return True


def test_a_peer_that_takes_a_part_of_the_audio_only_fails_the_sender_in_time() -> None:
    limits = replace(UNLIMITED, send=0.3, verdict=0.05)
    with deaf(limits=limits, wrap=AlwaysRoom) as stream:
        with pytest.raises(TranscribeFailure, match="connection lost") as failure:
            send_on(stream, SECOND)
        assert failure.value.kind is TRANSIENT


def test_a_peer_that_stops_reading_fails_the_sender_in_time() -> None:
    with deaf(limits=replace(UNLIMITED, taken_within=0.3)) as stream:
        with pytest.raises(TranscribeFailure, match="audio is not accepted") as failure:
            send_on(stream, SECOND[:24_000])
        assert failure.value.kind is TRANSIENT


def test_what_a_sender_waits_for_costs_less_than_a_lease_has_left() -> None:
    waits_seconds = LIMITS.taken_within + LIMITS.close + LIMITS.verdict
    assert waits_seconds < LEASE_SECONDS - RENEWED_EVERY_SECONDS


@pytest.mark.parametrize("sender", ["waits for room", "sends"])
def test_closing_wakes_a_reader_and_a_sender_at_once(sender: str) -> None:
    reading, stuck = threading.Event(), threading.Event()

    class Watched(Wrapped):
        def has_room(self, within_seconds: float) -> bool:
            if self.connection.has_room(0):
                return True
            stuck.set()
            return sender == "sends" or self.connection.has_room(within_seconds)

    def read(stream: TranscribeStream) -> None:
        for _ in stream.results():
            reading.set()

    with (
        ThreadPoolExecutor(2) as threads,
        deaf(lambda sock: say(sock, transcript(result("hello"))), wrap=Watched) as stream,
    ):
        both = [threads.submit(read, stream), threads.submit(send_on, stream, SECOND)]
        assert reading.wait(PATIENCE_SECONDS)
        assert stuck.wait(PATIENCE_SECONDS)
        stream.close()
        stream.close()
        for thread in both:
            with pytest.raises(TranscribeFailure, match="closed by this function"):
                thread.result(PATIENCE_SECONDS)


def test_a_stream_that_is_closed_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with opened(wait_for_client_to_leave) as (stream, peer):
        stream.send(CHUNK)
        stream.close()
        assert peer.ended.wait(PATIENCE_SECONDS)
    wait_until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize(
    ("audio", "is_taken"),
    [
        (b"", False),
        (b"\x00", False),
        (b"\x00" * 101, False),
        (b"\x00\x00", True),
        (b"\x00" * 32_000, True),
        (b"\x00" * 32_002, False),
    ],
)
def test_audio_is_whole_samples_of_a_second_at_most(audio: bytes, is_taken: bool) -> None:
    heard: queue.Queue[list[bytes]] = queue.Queue()
    with opened(lambda connection: heard.put(list(audio_of(connection)))) as (stream, _):
        if is_taken:
            stream.send(audio)
        else:
            with pytest.raises(ValueError, match=f"{len(audio)} bytes"):
                stream.send(audio)
        stream.end()
        assert heard.get(timeout=PATIENCE_SECONDS) == ([audio] if is_taken else [])


def test_after_its_end_a_stream_takes_no_more_audio_and_ends_once() -> None:
    has_ended_twice = threading.Event()
    endings: queue.Queue[int] = queue.Queue()

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        assert has_ended_twice.wait(PATIENCE_SECONDS)
        # What was sent before the answer to this ping comes before it.
        assert connection.ping().wait(PATIENCE_SECONDS)
        with contextlib.suppress(TimeoutError):
            connection.recv(0)
            endings.put(2)
        endings.put(1)

    with opened(script) as (stream, _):
        stream.end()
        stream.end()
        has_ended_twice.set()
        with pytest.raises(TranscribeFailure, match="the audio has ended"):
            stream.send(CHUNK)
        assert list(stream.results()) == []
        assert endings.get(timeout=PATIENCE_SECONDS) == 1
        with pytest.raises(TranscribeFailure, match="the audio has ended"):
            stream.send(CHUNK)
