"""Translations that a container keeps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from live_sessions.captions.captioning import TranslationCache, TranslationKey


def key(text: str, target: str = "es") -> TranslationKey:
    return TranslationKey("en", target, text)


def test_a_translation_is_found_by_text_and_both_languages() -> None:
    cache = TranslationCache()
    cache.keep(key("one"), "uno")
    assert cache.get(key("one")) == "uno"
    assert cache.get(key("One")) is None
    assert cache.get(key("one", "it")) is None
    assert cache.get(TranslationKey("fr", "es", "one")) is None


def test_the_least_recently_used_goes_first() -> None:
    cache = TranslationCache(limit_entries=2)
    cache.keep(key("one"), "uno")
    cache.keep(key("two"), "dos")
    cache.get(key("one"))
    cache.keep(key("three"), "tres")
    assert [cache.get(key(text)) for text in ("one", "two", "three")] == ["uno", None, "tres"]


def test_bytes_are_counted_and_not_characters() -> None:
    cache = TranslationCache(limit_bytes=12)
    cache.keep(key("aa"), "éé")
    cache.keep(key("bb"), "éé")
    cache.keep(key("cc"), "éé")
    assert [cache.get(key(text)) for text in ("aa", "bb", "cc")] == [None, "éé", "éé"]
    cache.keep(key("dd"), "é" * 6)
    assert cache.get(key("dd")) is None
    assert cache.get(key("cc")) == "éé", "an entry that does not fit evicts no other entry"


def test_a_translation_that_is_kept_again_is_counted_once() -> None:
    cache = TranslationCache(limit_bytes=10)
    for _ in range(5):
        cache.keep(key("aa"), "bb")
    cache.keep(key("cc"), "dd")
    assert cache.get(key("aa")) == "bb"


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=9)), max_size=40))
def test_it_never_holds_more_than_its_limits(kept: list[tuple[str, str]]) -> None:
    cache = TranslationCache(limit_entries=5, limit_bytes=40)
    for text, translation in kept:
        cache.keep(key(text), translation)
        held = {text: cache.get(key(text)) for text, _ in kept}
        found = {text: value for text, value in held.items() if value is not None}
        assert len(found) <= 5
        assert sum(len((text + value).encode()) for text, value in found.items()) <= 40
