"""Transcripts as payloads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from live_sessions.captions.transcripts import TEXT_LIMIT_CHARACTERS, Transcript, read_transcript

PAYLOAD: dict[str, Any] = {
    "sessionId": "golden-river-482",
    "sequence": 12,
    "sourceLanguage": "en",
    "text": "Good evening.",
    "isPartial": False,
    "spokenAt": 1_792_000_000_000,
}


def test_a_payload_is_read() -> None:
    assert read_transcript(PAYLOAD) == Transcript(
        session_id="golden-river-482",
        sequence=12,
        source_language="en",
        text="Good evening.",
        is_partial=False,
        spoken_at=1_792_000_000_000,
    )


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert read_transcript({**PAYLOAD, "speaker": "A"}) == read_transcript(PAYLOAD)


@pytest.mark.parametrize("field", PAYLOAD)
def test_a_field_that_is_missing_is_named(field: str) -> None:
    payload = {name: value for name, value in PAYLOAD.items() if name != field}
    with pytest.raises(msgspec.ValidationError, match=f"`{field}`"):
        read_transcript(payload)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sessionId", ""),
        ("sessionId", "s" * 65),
        ("sessionId", 7),
        ("sequence", -1),
        ("sequence", "12"),
        ("sequence", 1.5),
        ("sourceLanguage", "en-US"),
        ("sourceLanguage", "cy"),
        ("sourceLanguage", "auto"),
        ("text", None),
        ("text", "secret words " * TEXT_LIMIT_CHARACTERS),
        ("text", "secret words \ud800"),
        ("isPartial", "no"),
        ("isPartial", 0),
        ("spokenAt", -1),
        ("spokenAt", None),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_and_no_text_repeated(field: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}`") as problem:
        read_transcript({**PAYLOAD, field: value})
    assert "secret" not in str(problem.value)
    assert problem.value.__cause__ is None


@pytest.mark.parametrize("payload", [{}, [], "text", None])
def test_a_payload_that_is_not_a_transcript_is_refused(payload: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_transcript(payload)
