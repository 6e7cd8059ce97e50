"""A transcript's files are what the parsers of their formats accept."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.captions.history import CaptionRow
from live_sessions.captions.transcript_files import (
    FORMATS,
    SHORTEST_CUE_MS,
    Transcript,
    as_json,
    as_srt,
    as_text,
    as_vtt,
    transcript_of,
)

CREATED_AT = 1_792_000_000_000


def row(
    sequence: int, text: str, *, at_ms: int = 0, original: str | None = None, language: str = "en"
) -> CaptionRow:
    return CaptionRow(
        session_language=f"golden-eagle-1#{language}",
        sequence=sequence,
        text=text,
        original_text=original,
        translated=original is not None,
        spoken_at=CREATED_AT + at_ms,
        written_at=CREATED_AT + at_ms + 1000,
        ttl=1,
    )


def transcript(*source: CaptionRow, translated: tuple[CaptionRow, ...] = ()) -> Transcript:
    return transcript_of(
        session_id="golden-eagle-1",
        created_at=CREATED_AT,
        source_language="en",
        language="es" if translated else "en",
        source={each.sequence: each for each in source},
        rows=translated,
    )


def milliseconds(time: timedelta) -> int:
    return round(time.total_seconds() * 1000)


def vtt_cues(content: bytes) -> list[webvtt.Caption]:
    return list(webvtt.from_buffer(io.StringIO(content.decode())).captions)


def test_a_line_of_text_for_each_caption() -> None:
    assert as_text(transcript(row(1, "One."), row(2, "Two.", at_ms=9))) == b"One.\nTwo.\n"


def test_srt_numbers_its_cues_from_one_and_has_commas_in_its_times() -> None:
    content = as_srt(transcript(row(7, "One.", at_ms=61_002), row(9, "Two.", at_ms=3_661_000)))
    assert content.decode().startswith("1\n00:01:01,002 --> 00:01:02,502\nOne.\n\n2\n01:01:01,000")


def test_vtt_begins_with_its_name_and_has_points_in_its_times() -> None:
    content = as_vtt(transcript(row(1, "One.", at_ms=61_002)))
    assert content == b"WEBVTT\n\n00:01:01.002 --> 00:01:02.502\nOne.\n"


def test_a_cue_ends_when_the_next_one_starts() -> None:
    long = transcript(
        row(1, "A sentence that takes seconds to read.", at_ms=0), row(2, "B", at_ms=900)
    )
    assert (long.captions[0].start_ms, long.captions[0].end_ms) == (0, 900)


def test_a_cue_before_a_silence_ends_once_it_has_been_read() -> None:
    first, _ = transcript(row(1, "Short."), row(2, "Later.", at_ms=600_000)).captions
    assert first.end_ms < 10_000


def test_captions_that_were_spoken_at_once_are_all_shown() -> None:
    captions = transcript(row(1, "One."), row(2, "Two.")).captions
    assert [each.end_ms - each.start_ms >= SHORTEST_CUE_MS for each in captions] == [True, True]


def test_a_caption_before_the_session_was_created_starts_at_zero() -> None:
    assert transcript(row(1, "One.", at_ms=-5)).captions[0].start_ms == 0


def test_the_gaps_of_a_language_are_filled_from_the_source() -> None:
    spanish = transcript(
        row(1, "One."),
        row(2, "Two.", at_ms=2000),
        translated=(row(2, "Dos.", at_ms=2000, original="Two.", language="es"),),
    )
    assert [(each.text, each.translated) for each in spanish.captions] == [
        ("One.", False),
        ("Dos.", True),
    ]
    assert json.loads(as_json(spanish))["captions"][1]["originalText"] == "Two."


def test_an_empty_caption_makes_no_cue() -> None:
    content = transcript(row(1, " \n "), row(2, "Two.", at_ms=2000))
    assert [each.content for each in srt.parse(as_srt(content).decode())] == ["Two."]
    assert [each.text for each in vtt_cues(as_vtt(content))] == ["Two."]


def test_json_has_the_times_of_speech() -> None:
    content = json.loads(as_json(transcript(row(3, "One.", at_ms=1500))))
    assert content == {
        "sessionId": "golden-eagle-1",
        "createdAt": CREATED_AT,
        "sourceLanguage": "en",
        "language": "en",
        "captions": [
            {
                "sequence": 3,
                "text": "One.",
                "originalText": "One.",
                "translated": False,
                "spokenAt": CREATED_AT + 1500,
                "startMilliseconds": 1500,
                "endMilliseconds": 3000,
            }
        ],
    }


def test_every_format_is_one_of_those_that_a_client_may_ask_for() -> None:
    assert list(FORMATS) == ["txt", "srt", "vtt", "json"]


HOSTILE = st.text(
    st.sampled_from(" \n\r\t->&<;:,.0123WEBVTTNOTESTYLEäöü字\u2028\u0085é"), max_size=40
)


@given(st.lists(st.tuples(HOSTILE, st.integers(0, 9_000_000)), max_size=12))
def test_parsers_find_every_cue_of_any_captions_at_its_time(said: list[tuple[str, int]]) -> None:
    content = transcript(*(row(n, text, at_ms=at_ms) for n, (text, at_ms) in enumerate(said, 1)))
    starts = sorted(at_ms for text, at_ms in said if text.strip())
    from_srt = list(srt.parse(as_srt(content).decode()))
    assert [milliseconds(each.start) for each in from_srt] == starts
    assert [each.index for each in from_srt] == list(range(1, len(starts) + 1))
    assert all(each.content and each.end > each.start for each in from_srt)
    from_vtt = vtt_cues(as_vtt(content))
    assert [round(each.start_in_seconds) for each in from_vtt] == [
        at_ms // 1000 for at_ms in starts
    ]
    texts = [each.text for each in content.captions]
    assert [" ".join(each.text.split()) for each in from_vtt] == [
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in texts
    ]
