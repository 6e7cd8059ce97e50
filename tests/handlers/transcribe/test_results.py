"""From messages to results."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from live_sessions.audio.transcribe import (
    FailureKind,
    MalformedMessage,
    Message,
    Result,
    TranscribeFailure,
    decode,
    results_in,
)
from tests.handlers.transcribe.frames import (
    event,
    exception,
    frame,
    header,
    result,
    text_header,
    transcript,
)


def results_of(encoded: bytes) -> list[Result]:
    return list(results_in(decode(encoded)))


def test_a_readhas_the_first_alternative_s_text_and_its_times() -> None:
    spoken = result("Hello there.", result_id="abc", partial=True)
    spoken["Alternatives"].append({"Transcript": "Yellow hair.", "Items": []})
    (read,) = results_of(transcript(spoken))
    assert (read.result_id, read.text, read.is_partial) == ("abc", "Hello there.", True)
    assert (read.start_time, read.end_time) == (0.5, 1.25)


def test_results_of_one_event_keep_their_order() -> None:
    three = (result("one"), result("two", partial=True), result("three"))
    assert [(each.text, each.is_partial) for each in results_of(transcript(*three))] == [
        ("one", False),
        ("two", True),
        ("three", False),
    ]


def test_a_readwithout_words_still_says_which_stretch_it_covers() -> None:
    for wordless in (result(""), result("x", Alternatives=[])):
        (covered,) = results_of(transcript(wordless))
        assert (covered.text, covered.start_time, covered.end_time) == ("", 0.5, 1.25)


@pytest.mark.parametrize(
    "silence",
    [
        transcript(),
        event(b'{"Transcript":{}}'),
        event(b"", "UtteranceEvent"),
        event(b"not JSON", "initial-response"),
    ],
    ids=itertools.count(),
)
def test_silence_and_other_events_yield_nothing(silence: bytes) -> None:
    assert results_of(silence) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"Transcript":null}',
        b'{"Transcript":{"Results":{}}}',
        *(
            json.dumps({"Transcript": {"Results": [result("x") | changed]}}).encode()
            for changed in (
                {"ResultId": None},
                {"IsPartial": "true"},
                {"StartTime": "0.5"},
                {"EndTime": None},
                {"Alternatives": None},
                {"Alternatives": [{"Transcript": 5}]},
                {"Alternatives": [{}]},
            )
        ),
        *(
            json.dumps(
                {"Transcript": {"Results": [{k: v for k, v in result("x").items() if k != left}]}}
            ).encode()
            for left in ("ResultId", "IsPartial", "StartTime", "EndTime", "Alternatives")
        ),
    ],
    ids=itertools.count(),
)
def test_a_transcript_of_another_form_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedMessage, match="another form"):
        results_of(event(payload))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [text_header(":event-type", "TranscriptEvent")],
        [text_header(":message-type", "gossip")],
        [header(":message-type", 0, b"")],
    ],
)
def test_a_message_of_no_known_type_is_malformed(headers: list[bytes]) -> None:
    with pytest.raises(MalformedMessage, match="no known type"):
        results_of(frame(headers, b"{}"))


def test_an_exception_is_raised_by_its_type_and_text() -> None:
    with pytest.raises(TranscribeFailure) as failure:
        results_of(exception("LimitExceededException", "Too many streams."))
    assert failure.value.kind is FailureKind.TRANSIENT
    assert failure.value.message == "LimitExceededException: Too many streams."


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Message":5}', b"\xff", b"{}"])
def test_an_exception_without_a_text_is_still_of_its_type(body: bytes) -> None:
    headers: dict[str, Any] = {
        ":message-type": "exception",
        ":exception-type": "BadRequestException",
    }
    with pytest.raises(TranscribeFailure) as failure:
        results_in(Message(headers, body))
    assert failure.value.kind is FailureKind.TRANSIENT
    assert failure.value.message == "BadRequestException"


def test_an_exception_s_text_may_stand_under_a_small_name() -> None:
    headers = {":message-type": "exception", ":exception-type": "BadRequestException"}
    with pytest.raises(TranscribeFailure) as failure:
        results_in(Message(headers, b'{"message":"no new audio was received"}'))
    assert failure.value.kind is FailureKind.TIMED_OUT_WITHOUT_AUDIO


def test_an_error_outside_the_model_is_raised_by_its_code() -> None:
    headers = [
        text_header(":message-type", "error"),
        text_header(":error-code", "AccessDeniedException"),
        text_header(":error-message", "Not yours."),
    ]
    with pytest.raises(TranscribeFailure) as failure:
        results_of(frame(headers))
    assert failure.value.kind is FailureKind.PERMANENT
    assert failure.value.message == "AccessDeniedException: Not yours."
