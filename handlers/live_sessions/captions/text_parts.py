"""A long text in parts that Amazon Translate takes."""

from collections.abc import Iterator

PART_LIMIT_BYTES = 10_000
"""https://docs.aws.amazon.com/translate/latest/APIReference/API_TranslateText.html"""

SENTENCE_ENDS = (". ", "? ", "! ", "。", "？", "！", "। ", "؟ ")


def parts_of(text: str, limit_bytes: int = PART_LIMIT_BYTES) -> Iterator[str]:
    """Parts that make up the text: cut after a sentence, or else after a word, or else anywhere."""
    while len(text.encode()) > limit_bytes:
        longest = text.encode()[:limit_bytes].decode(errors="ignore")
        cut = _last_end(longest, SENTENCE_ENDS) or _last_end(longest, (" ",)) or len(longest)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _last_end(text: str, ends: tuple[str, ...]) -> int:
    """Where the last of `ends` ends; 0 where there is none."""
    return max(text.rfind(end) + len(end) if end in text else 0 for end in ends)
