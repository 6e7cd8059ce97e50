"""Streams, as a client of Transcribe's WebSocket sees them."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from contract.languages import LANGUAGES
from live_sessions.audio.transcribe_socket import StreamLimits, TranscribeStream
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment
from local.speech import event_stream
from local.speech.faults import StreamFault
from local.speech.process import SpeechServices
from local.speech.transcribe import MAX_STREAMS, STREAMING_LANGUAGES
from tests.local.speech.callers import PATIENCE_SECONDS, Caller, audio_event, results, speak, texts
from tests.local.speech.sounds import numbers, silence, steady
from tests.patience import OUT_OF_REACH_SECONDS

OUR_LIMITS = StreamLimits(
    open=OUT_OF_REACH_SECONDS,
    last_results=OUT_OF_REACH_SECONDS,
    silence=OUT_OF_REACH_SECONDS,
    taken_within=OUT_OF_REACH_SECONDS,
)


def eventually_open(speech: SpeechServices, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while speech.served()["open_streams"] != count:
        assert time.monotonic() < deadline, speech.served()
        time.sleep(0.02)


def test_a_stream_gives_partials_and_finals_and_ends_after_the_empty_event(ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, numbers(1, 2) + silence(300) + numbers(3))
        stream.send(audio_event(b""))
        found = results(stream)
    assert stream.close_code == 1000
    assert texts(found, is_partial=True) == ["1", "1 2", "3"]
    assert texts(found) == ["1 2", "3"]
    assert [result["ResultId"] for result in found[:3]] == [found[0]["ResultId"]] * 3
    assert found[3]["ResultId"] == found[4]["ResultId"] != found[0]["ResultId"]
    assert [
        (result["StartTime"], result["EndTime"]) for result in found if not result["IsPartial"]
    ] == [
        (0.0, 0.12),
        (0.44, 0.49),
    ]
    items = found[2]["Alternatives"][0]["Items"]
    assert [item["Content"] for item in items] == ["1", "2"]


def test_results_come_while_the_speaker_speaks(ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, numbers(5))
        headers, _ = event_stream.decode(stream.recv(PATIENCE_SECONDS, decode=False))
        assert headers[":event-type"] == "TranscriptEvent"


def test_a_stream_of_silence_ends_with_no_result(ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, silence(2_000))
        stream.send(audio_event(b""))
        assert results(stream) == []


def test_our_functions_stream_understands_it(ada: Caller) -> None:
    aws = AwsEnvironment(
        aws_region=ada.region,
        aws_access_key_id=ada.access_key_id,
        aws_secret_access_key=ada.secret_access_key,
        aws_session_token=ada.session_token,
        aws_endpoint_url_transcribe_streaming=ada.transcribe_url,
    )
    stream = TranscribeStream.open(
        aws, "en-US", 16_000, stability="medium", clock=SYSTEM_CLOCK, limits=OUR_LIMITS
    )
    stream.send(numbers(8, 9))
    stream.end()
    found = [(result.text, result.is_partial) for result in stream.results()]
    stream.close()
    assert found == [("8", True), ("8 9", True), ("8 9", False)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"language_code": "en"},
        {"language_code": "xx-XX"},
        {"language_code": None},
        {"media_encoding": "flac"},
        {"sample_rate": "7999"},
        {"sample_rate": "48001"},
        {"sample_rate": "16e3"},
        {"sample_rate": None},
        {"partial_results_stability": "high"},
        {"enable_partial_results_stabilization": "true", "partial_results_stability": "most"},
    ],
)
def test_unsupported_parameters_are_refused(ada: Caller, parameters: dict[str, str | None]) -> None:
    with ada.open_stream(**parameters) as stream:
        [refusal] = results(stream)
    assert refusal["exception"] == "BadRequestException"
    assert refusal["Message"]


@pytest.mark.parametrize("language_code", ["en-GB", "zh-HK", "de-CH"])
def test_an_accent_is_accepted_like_the_usual_one(ada: Caller, language_code: str) -> None:
    with ada.open_stream(language_code=language_code) as stream:
        speak(stream, numbers(4))
        stream.send(audio_event(b""))
        assert texts(results(stream)) == ["4"]


def test_every_accent_that_a_speaker_may_have_is_one_that_aws_streams() -> None:
    assert {each for one in LANGUAGES.values() for each in one.locales} <= STREAMING_LANGUAGES


def test_another_path_is_not_found(ada: Caller) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        ada.open_stream(ada.stream_url().replace("/stream-", "/medical-stream-"))
    assert refusal.value.response.status_code == 404


@pytest.mark.parametrize(
    "frame",
    [
        "text",
        b"rubbish",
        audio_event(b"\0\0")[:-1],
        audio_event(b"\0\0") + b"\0",
        audio_event(b"\0"),
        audio_event(steady(1, 1_000) + b"\0\0"),
        event_stream.encode({":message-type": "event", ":event-type": "Other"}, b"\0\0"),
        event_stream.encode({}, b"\0\0"),
    ],
    ids=["text", "rubbish", "cut", "too long", "half a sample", "over a second", "other", "bare"],
)
def test_an_invalid_audio_frame_ends_the_stream(ada: Caller, frame: str | bytes) -> None:
    with ada.open_stream() as stream:
        stream.send(frame)
        [refusal] = results(stream)
    assert refusal["exception"] == "BadRequestException"


def test_a_chunk_of_one_second_is_taken(ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, steady(4, 2_000), chunk_milliseconds=1_000)
        stream.send(audio_event(b""))
        assert texts(results(stream)) == ["4"]


def test_the_stream_over_the_limit_is_refused_and_another_opens_when_one_is_gone(
    speech: SpeechServices, ada: Caller
) -> None:
    eventually_open(speech, 0)
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(ada.open_stream()) for _ in range(MAX_STREAMS)]
        eventually_open(speech, MAX_STREAMS)
        with ada.open_stream() as one_more:
            [refusal] = results(one_more)
        assert refusal["exception"] == "LimitExceededException"
        streams[0].close()
        eventually_open(speech, MAX_STREAMS - 1)
        with ada.open_stream() as stream:
            speak(stream, numbers(6))
            stream.send(audio_event(b""))
            assert texts(results(stream)) == ["6"]


def test_streams_side_by_side_keep_their_words_apart(ada: Caller) -> None:
    def words_back(value: int) -> list[str]:
        with ada.open_stream() as stream:
            speak(stream, b"".join(numbers(value, at) + silence(300) for at in range(1, 20)))
            stream.send(audio_event(b""))
            return texts(results(stream))

    with ThreadPoolExecutor(20) as speakers:
        found = list(speakers.map(words_back, range(1_000, 1_020)))
    assert found == [[f"{value} {at}" for at in range(1, 20)] for value in range(1_000, 1_020)]


def test_a_client_that_vanishes_leaves_no_stream(speech: SpeechServices, ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, numbers(1))
        eventually_open(speech, 1)
        stream.socket.shutdown(socket.SHUT_RDWR)
        eventually_open(speech, 0)


def test_ordered_exceptions_hit_the_next_streams_and_no_later_one(
    speech: SpeechServices, ada: Caller
) -> None:
    sound = numbers(1) + silence(300)
    all_but_a_moment = len(sound) / 32_000 - 0.01  # so that nothing is sent to a stream that ended
    speech.order(
        StreamFault(times=2, exception="InternalFailureException", after_seconds=all_but_a_moment)
    )
    for _ in range(2):
        with ada.open_stream() as stream:
            speak(stream, sound)
            *before, failure = results(stream)
        assert texts(before, is_partial=True) == ["1"]
        assert failure["exception"] == "InternalFailureException"
    with ada.open_stream() as stream:
        speak(stream, numbers(1))
        stream.send(audio_event(b""))
        assert texts(results(stream)) == ["1"]


def test_a_stream_is_refused_cut_or_left_without_a_word_as_ordered(
    speech: SpeechServices, ada: Caller
) -> None:
    speech.order(StreamFault(handshake_status=503))
    speech.order(StreamFault(is_cut=True))
    speech.order(StreamFault())
    with pytest.raises(InvalidStatus) as refusal:
        ada.open_stream()
    assert refusal.value.response.status_code == 503
    with ada.open_stream() as stream, pytest.raises(ConnectionClosedError):
        stream.recv(PATIENCE_SECONDS)
    with ada.open_stream() as stream:
        speak(stream, numbers(1) + silence(300))
        with pytest.raises(TimeoutError):
            stream.recv(0.5)


def test_the_log_holds_no_word_and_no_secret(speech: SpeechServices, ada: Caller) -> None:
    with ada.open_stream() as stream:
        speak(stream, numbers(31_999))
        stream.send(audio_event(b""))
        results(stream)
    with ada.open_stream() as stream:
        stream.send(b"rubbish")
        results(stream)
    for secret in ("31999", "X-Amz", ada.access_key_id, str(ada.session_token)):
        assert secret not in speech.log()
