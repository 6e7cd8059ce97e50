"""Long texts in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.captions.captioning import PART_LIMIT_BYTES, parts_of

TEXTS = st.text(alphabet="ab .?。é中🎤", max_size=120)


@given(TEXTS, st.integers(min_value=4, max_value=40))
def test_the_parts_make_up_the_text_and_none_is_over_the_limit(text: str, limit: int) -> None:
    parts = list(parts_of(text, limit))
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= limit for part in parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One two. Three four five", ["One two. ", "Three four five"]),
        ("One? Two! Three four five six", ["One? Two! ", "Three four five ", "six"]),
        ("一二。三四五", ["一二。", "三四五"]),
        ("abcdefghijklmnopqrst", ["abcdefghijklmnop", "qrst"]),
    ],
)
def test_a_cut_is_after_a_sentence_or_a_word_or_anywhere(text: str, parts: list[str]) -> None:
    assert list(parts_of(text, 16)) == parts


def test_what_translate_takes_stays_whole() -> None:
    text = "a. " * 3333
    assert list(parts_of(text)) == [text]
    assert [len(part) for part in parts_of("é" * (PART_LIMIT_BYTES // 2 + 1))] == [5000, 1]
    assert list(parts_of("")) == []
