"""A session's transcript in one language, as a file of each format. No AWS calls are made here.

A caption becomes a cue: it starts when its first word was spoken, counted from the session's
creation, and ends with the next one, or once a reader has read it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from live_sessions.captions.history import CaptionRow

READING_MS_PER_CHARACTER = 70
"""About 14 characters in a second, with time to spare."""

SHORTEST_READING_MS = 1_500
LONGEST_READING_MS = 10_000
SHORTEST_CUE_MS = 500
"""Also where two captions were spoken at once; their cues then overlap."""


class TranscriptCaption(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A caption of the transcript; `start_ms` and `end_ms` count from the session's creation.

    `spoken_at` is epoch milliseconds. `translated` is False if `text` is in the source language.
    """

    sequence: int
    text: str
    original_text: str
    translated: bool
    spoken_at: int
    start_ms: int = msgspec.field(name="startMilliseconds")
    end_ms: int = msgspec.field(name="endMilliseconds")


class Transcript(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All captions of a session in one language; it is the JSON file. `created_at` is epoch
    milliseconds.
    """

    session_id: str
    created_at: int
    source_language: str
    language: str
    captions: list[TranscriptCaption]


def transcript_of(
    *,
    session_id: str,
    created_at: int,
    source_language: str,
    language: str,
    source: Mapping[int, CaptionRow],
    rows: Iterable[CaptionRow],
) -> Transcript:
    """The transcript of `language`, whose gaps are filled from the `source` rows, by sequence."""
    by_sequence = {**source, **{row.sequence: row for row in rows}}
    spoken = [
        (max(0, row.spoken_at - created_at), sequence, row)
        for sequence, row in by_sequence.items()
        if row.text.strip()
    ]
    spoken.sort(key=lambda each: each[:2])
    starts = [start for start, _, _ in spoken]
    captions = [
        TranscriptCaption(
            sequence=sequence,
            text=_in_one_line(row.text),
            original_text=_in_one_line(
                row.text if row.original_text is None else row.original_text
            ),
            translated=row.translated,
            spoken_at=row.spoken_at,
            start_ms=start,
            end_ms=_end_of(start, next_start, row.text),
        )
        for (start, sequence, row), next_start in zip(spoken, [*starts[1:], None], strict=False)
    ]
    return Transcript(
        session_id=session_id,
        created_at=created_at,
        source_language=source_language,
        language=language,
        captions=captions,
    )


def _end_of(start: int, next_start: int | None, text: str) -> int:
    reading = len(text) * READING_MS_PER_CHARACTER
    end = start + min(max(reading, SHORTEST_READING_MS), LONGEST_READING_MS)
    if next_start is not None:
        end = min(end, next_start)
    return max(end, start + SHORTEST_CUE_MS)


def _in_one_line(text: str) -> str:
    """Both kinds of subtitles end a cue at an empty line."""
    return " ".join(text.split())


def as_text(transcript: Transcript) -> bytes:
    """One line for each caption."""
    return "".join(f"{caption.text}\n" for caption in transcript.captions).encode()


def as_srt(transcript: Transcript) -> bytes:
    """SubRip, which has no way to escape the arrow between a cue's times."""
    return "\n".join(
        f"{number}\n{_times(caption, ',')}\n{re.sub('-+>', '->', caption.text)}\n"
        for number, caption in enumerate(transcript.captions, start=1)
    ).encode()


def as_vtt(transcript: Transcript) -> bytes:
    """WebVTT: https://www.w3.org/TR/webvtt1/"""
    cues = (
        f"\n{_times(caption, '.')}\n{_escaped(caption.text)}\n" for caption in transcript.captions
    )
    return "".join(("WEBVTT\n", *cues)).encode()


def as_json(transcript: Transcript) -> bytes:
    """With the times of speech, and with the original of each translation."""
    return msgspec.json.encode(transcript)


def _times(caption: TranscriptCaption, point: str) -> str:
    return f"{_time(caption.start_ms, point)} --> {_time(caption.end_ms, point)}"


def _time(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True)
class FileFormat:
    """How a transcript is written, and what its file is served as."""

    content_type: str
    encode: Callable[[Transcript], bytes]


FORMATS: Mapping[str, FileFormat] = {
    "txt": FileFormat("text/plain; charset=utf-8", as_text),
    "srt": FileFormat("application/x-subrip; charset=utf-8", as_srt),
    "vtt": FileFormat("text/vtt; charset=utf-8", as_vtt),
    "json": FileFormat("application/json", as_json),
}
"""By the end of the file's name, which getTranscript calls the format. JSON is the last one: with
it, a transcript is complete (transcript_store.py).
"""


def files_of(transcript: Transcript) -> Sequence[tuple[str, bytes, str]]:
    """Each file's format, content and content type."""
    return [(name, each.encode(transcript), each.content_type) for name, each in FORMATS.items()]
