"""What the translation pipeline is given; docs/translation-pipeline.md promises it to others."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from live_sessions.languages import SOURCE_LANGUAGES
from live_sessions.protocol.messages import LanguageCode, SessionId

TEXT_LIMIT_CHARACTERS = 5000
"""Some minutes of speech: a caption of it, with its translation, is below the 128 KB of a post."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A piece of what the speaker said, in the order of `sequence`.

    `source_language` is the wire's code; `spoken_at` is epoch milliseconds.
    """

    session_id: SessionId
    sequence: Annotated[int, msgspec.Meta(ge=0)]
    source_language: LanguageCode
    text: Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT_CHARACTERS)]
    is_partial: bool
    spoken_at: Annotated[int, msgspec.Meta(ge=0)]


def read_transcript(payload: Mapping[str, Any]) -> Transcript:
    """Raises msgspec.ValidationError, which names the field and its rule and never the text."""
    transcript = msgspec.convert(payload, Transcript)
    if transcript.source_language not in SOURCE_LANGUAGES:
        raise msgspec.ValidationError(
            f"{transcript.source_language!r} is not spoken in any session - at `$.sourceLanguage`"
        )
    try:
        transcript.text.encode()
    except UnicodeEncodeError:
        raise msgspec.ValidationError("Expected text in Unicode - at `$.text`") from None
    return transcript
