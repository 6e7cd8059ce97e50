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

import pytest
from websockets.frames import CloseCode
from websockets.sync.server import ServerConnection

from live_sessions.audio.lease import LEASE_SECONDS, RENEWED_EVERY_SECONDS
from live_sessions.transcribe import connection as connection_module
from live_sessions.transcribe import stream as stream_module
from live_sessions.transcribe.failures import FailureKind, TranscribeFailure
from live_sessions.transcribe.results import Result
from live_sessions.transcribe.stream import TranscribeStream
from tests.handlers.transcribe.frames import event, exception, result, transcript
from tests.handlers.transcribe.peer import (
    SECRET,
    Peer,
    accepting,
    audio_of,
    say,
    shake_hands,
    transcribing,
)
from tests.handlers.transcribe.signature import computed_signature

CHUNK = b"\x01\x02" * 1600
SECOND = b"\x00\x00" * 16_000
LAST_CHUNK = b"\x03\x04" * 800
NO_AUDIO = "Your request timed out because no new audio was received for 15 seconds."
PASSING, PERMANENT = FailureKind.PASSING, FailureKind.PERMANENT


@contextlib.contextmanager
def opened(
    script: Callable[[ServerConnection], None], *, stability: str | None = None, **options: object
) -> Iterator[tuple[TranscribeStream, Peer]]:
    with transcribing(script, **options) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=stability)
        try:
            yield stream, peer
        finally:
            stream.close()


@contextlib.contextmanager
def deaf(script: Callable[[socket.socket], None] | None = None) -> Iterator[TranscribeStream]:
    """A stream whose peer opened it and reads nothing; `script` says what it sends."""
    is_over = threading.Event()

    def hang(sock: socket.socket) -> None:
        shake_hands(sock)
        if script is not None:
            script(sock)
        is_over.wait(60)

    with accepting(hang) as peer:
        stream = TranscribeStream.open(peer.aws(), "en-US", stability=None)
        try:
            yield stream
        finally:
            stream.close()
            is_over.set()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def wait_for_client_to_leave(connection: ServerConnection) -> None:
    for _ in connection:
        pass


def send_on(stream: TranscribeStream, audio: bytes) -> None:
    """Until the stream fails."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
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

    with opened(script) as (stream, _), ThreadPoolExecutor(1) as reader:
        results = reader.submit(lambda: list(stream.results()))
        for audio in (CHUNK, CHUNK, LAST_CHUNK):
            stream.send(audio)
        stream.end()
        said = results.result(10)
    assert heard == [CHUNK, CHUNK, LAST_CHUNK]
    assert [(each.text, each.is_partial) for each in said] == [
        ("so far 1", True),
        ("so far 2", True),
        ("so far 3", True),
        ("the first", False),
        ("the last", False),
    ]
    assert said[-1] == Result("r2", "the last", False, 0.5, 1.25)


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
        go_on.wait(10)
        list(audio_of(connection))

    with opened(script) as (stream, _):
        results = stream.results()
        with within(2):
            assert next(results).text == "now"
        go_on.set()
        stream.end()
        assert list(results) == []


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("LimitExceededException", "", PASSING),
        ("InternalFailureException", "", PASSING),
        ("ServiceUnavailableException", "", PASSING),
        ("ConflictException", "", PASSING),
        ("BadRequestException", "Your stream is too big.", PERMANENT),
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
        assert peer.ended.wait(5)


def test_a_sender_that_meets_the_closed_stream_first_still_tells_the_exception() -> None:
    may_read = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(exception("BadRequestException", "Wrong rate."))

    def read(stream: TranscribeStream) -> TranscribeFailure:
        may_read.wait(10)
        return failure_of_results(stream)

    with opened(script) as (stream, peer), ThreadPoolExecutor(1) as reader:
        read_failure = reader.submit(read, stream)
        assert peer.ended.wait(5)
        time.sleep(0.2)  # until the close has come, too
        threading.Timer(0.3, may_read.set).start()
        with pytest.raises(TranscribeFailure) as sent_failure:
            send_on(stream, CHUNK)
        assert sent_failure.value is read_failure.result(10)
        assert sent_failure.value.kind is PERMANENT


def test_a_sender_without_a_reader_is_told_of_the_close_within_seconds() -> None:
    with opened(lambda connection: None) as (stream, peer):
        assert peer.ended.wait(5)
        with within(5), pytest.raises(TranscribeFailure, match="closed by Transcribe: 1000"):
            send_on(stream, CHUNK)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CloseCode.NORMAL_CLOSURE, PASSING),
        (CloseCode.GOING_AWAY, PASSING),
        (CloseCode.INTERNAL_ERROR, PASSING),
        (CloseCode.SERVICE_RESTART, PASSING),
        (CloseCode.UNSUPPORTED_DATA, PERMANENT),
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
def test_a_connection_lost_without_a_word_is_a_passing_failure(has_ended: bool) -> None:
    def script(connection: ServerConnection) -> None:
        if has_ended:
            list(audio_of(connection))
        connection.close_socket()

    with opened(script) as (stream, _):
        if has_ended:
            stream.end()
        with within(5):
            failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (PASSING, "connection lost")


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
        (b"x" * (1024 * 1024 + 1), "broken off here: 1009"),
        ("x" * (1024 * 1024 + 1), "broken off here: 1009"),
    ],
    ids=itertools.count(),
)
def test_rubbish_ends_the_stream_with_a_passing_failure(rubbish: str | bytes, message: str) -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(rubbish)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, peer):
        with within(5):
            failure = failure_of_results(stream)
        assert peer.ended.wait(5), "the stream is of no more use and must be given up"
    assert failure.kind is PASSING
    assert failure.message.startswith(message)


def test_bytes_that_are_no_websocket_end_the_stream() -> None:
    def script(connection: ServerConnection) -> None:
        connection.socket.sendall(b"\xff" * 64)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _), within(5):
        failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (PASSING, "broken off here: 1002")


def test_text_that_is_no_utf_8_ends_the_stream() -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(b"\xff\xfe", text=True)
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _), within(5):
        failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (PASSING, "broken off here: 1007")


def test_a_peer_that_does_not_close_after_the_end_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "LAST_RESULTS_LIMIT_SECONDS", 1.2)

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        connection.send(transcript(result("the last")))
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, peer):
        threading.Timer(0.4, stream.end).start()
        results = stream.results()
        assert next(results).text == "the last"
        with within(3), pytest.raises(TranscribeFailure, match="not closed") as failure:
            next(results)
        assert failure.value.kind is PASSING
        assert peer.ended.wait(5)


def test_a_peer_that_goes_on_talking_after_the_end_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "LAST_RESULTS_LIMIT_SECONDS", 1)

    def script(connection: ServerConnection) -> None:
        while True:
            connection.send(transcript())
            time.sleep(0.01)

    with opened(script) as (stream, _):
        stream.end()
        with within(4), pytest.raises(TranscribeFailure, match="not closed"):
            list(stream.results())


def test_a_peer_that_answers_neither_audio_nor_pings_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurry(monkeypatch)
    with deaf() as stream:
        stream.send(CHUNK)
        with within(5):
            failure = failure_of_results(stream)
    assert (failure.kind, failure.message) == (PASSING, "silent")


def test_a_peer_that_answers_pings_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)

    def script(connection: ServerConnection) -> None:
        time.sleep(1.5)
        connection.send(transcript(result("at last")))
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _):
        assert next(stream.results()).text == "at last"


def test_a_peer_that_sends_messages_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)

    def script(sock: socket.socket) -> None:
        for _ in range(10):
            say(sock, transcript())
            time.sleep(0.15)
        say(sock, transcript(result("at last")))

    with deaf(script) as stream:
        assert next(stream.results()).text == "at last"


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(stream_module, "PING_SECONDS", 0.1)
    monkeypatch.setattr(stream_module, "SILENCE_LIMIT_SECONDS", 0.6)


def test_a_reader_that_was_away_longer_than_the_limit_does_not_blame_the_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurry(monkeypatch)
    again = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(transcript(result("one")))
        again.wait(10)
        time.sleep(0.3)
        connection.send(transcript(result("two")))
        wait_for_client_to_leave(connection)

    with opened(script) as (stream, _):
        results = stream.results()
        assert next(results).text == "one"
        time.sleep(1)
        again.set()
        assert next(results).text == "two"


def test_a_peer_that_does_not_read_fails_the_sender_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "SEND_LIMIT_SECONDS", 0.5)
    with deaf() as stream:
        with within(10), pytest.raises(TranscribeFailure, match=r"lost|not taken") as failure:
            send_on(stream, SECOND)
        assert failure.value.kind is PASSING


def test_a_peer_that_stops_reading_costs_the_sender_less_than_a_lease_has_left() -> None:
    began: list[float] = []

    def send_on_in_chunks(stream: TranscribeStream) -> None:
        while True:
            began.append(time.monotonic())
            stream.send(SECOND[:24_000])

    with deaf() as stream:
        with pytest.raises(TranscribeFailure) as failure:
            send_on_in_chunks(stream)
        assert time.monotonic() - began[-1] < LEASE_SECONDS - RENEWED_EVERY_SECONDS
        assert failure.value.kind is PASSING


def test_closing_wakes_a_reader_and_a_sender_at_once() -> None:
    reading = threading.Event()

    def read(stream: TranscribeStream) -> None:
        for _ in stream.results():
            reading.set()

    with (
        deaf(lambda sock: say(sock, transcript(result("hello")))) as stream,
        ThreadPoolExecutor(2) as threads,
    ):
        both = [threads.submit(read, stream), threads.submit(send_on, stream, SECOND)]
        assert reading.wait(5)
        time.sleep(1)  # until the sender is stuck
        with within(0.5):
            stream.close()
            stream.close()
        with within(3):
            for thread in both:
                with pytest.raises(TranscribeFailure, match="closed here"):
                    thread.result(5)


def test_a_stream_that_is_closed_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with opened(wait_for_client_to_leave) as (stream, peer):
        stream.send(CHUNK)
        stream.close()
        assert peer.ended.wait(5)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


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
        assert heard.get(timeout=5) == ([audio] if is_taken else [])


def test_after_its_end_a_stream_takes_no_more_audio_and_ends_once() -> None:
    endings: queue.Queue[int] = queue.Queue()

    def script(connection: ServerConnection) -> None:
        list(audio_of(connection))
        with contextlib.suppress(TimeoutError):
            connection.recv(0.5)
            endings.put(2)
        endings.put(1)

    with opened(script) as (stream, _):
        stream.end()
        stream.end()
        with pytest.raises(TranscribeFailure, match="the audio has ended"):
            stream.send(CHUNK)
        assert list(stream.results()) == []
        assert endings.get(timeout=5) == 1
        with pytest.raises(TranscribeFailure, match="the audio has ended"):
            stream.send(CHUNK)
