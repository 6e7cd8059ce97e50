"""Translations by Amazon Translate's own protocol, and all the ways in which there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.languages import SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.aws.runtime import Clock
from live_sessions.captions.captioning import (
    PART_LIMIT_BYTES,
    UNSUPPORTED_PAIR,
    Translation,
    Translator,
    parts_of,
)
from tests.handlers.loopback import status
from tests.handlers.translate_service import (
    INNER_DETAIL,
    Answer,
    TranslateService,
    cut_off,
    refused,
    translate_service,
    translated,
)
from tests.patience import wait_until

TEXT = "Good evening."
WITHOUT_PAUSES = Clock(sleep=lambda seconds: None)


@pytest.fixture
def service() -> Iterator[TranslateService]:
    with translate_service() as service:
        yield service


@pytest.fixture
def translator(service: TranslateService) -> Translator:
    return Translator(service.client(), WITHOUT_PAUSES)


def es(translator: Translator, text: str = TEXT, attempts: int = 2) -> Translation:
    return translator.translate(text, "en", "es", attempts=attempts)


def test_a_text_is_translated_between_the_codes_of_the_service(
    translator: Translator, service: TranslateService
) -> None:
    assert es(translator) == Translation("[es] Good evening.")
    assert service.requests == [
        {"Text": TEXT, "SourceLanguageCode": "en", "TargetLanguageCode": "es"}
    ]


def test_what_was_translated_once_is_not_asked_for_again(
    translator: Translator, service: TranslateService
) -> None:
    for _ in range(3):
        assert es(translator) == Translation("[es] Good evening.")
    assert translator.translate(TEXT, "en", "fr", attempts=2) == Translation("[fr] Good evening.")
    assert len(service.requests) == 2


class AnyPair:
    """Amazon Translate without the network."""

    def translate_text(self, *, Text: str, **_: str) -> dict[str, str]:
        return {"TranslatedText": f"translated {Text}"}


def test_every_source_can_be_translated_to_every_other_language() -> None:
    translator = Translator(cast(Any, AnyPair()), WITHOUT_PAUSES)
    for source in SOURCE_LANGUAGES:
        for target in TARGET_LANGUAGES - {source}:
            assert translator.translate(TEXT, source, target, attempts=1).text is not None


def test_a_variant_is_translated_to_like_any_other_language(
    translator: Translator, service: TranslateService
) -> None:
    assert translator.translate(TEXT, "pt", "pt-PT", attempts=2).text == "[pt-PT] Good evening."


FAILURES: dict[str, tuple[Answer, str, int]] = {
    "throttled": (
        lambda _: refused("TooManyRequestsException"),
        "TooManyRequestsException",
        2,
    ),
    "server error": (
        lambda _: refused("InternalServerException", 500),
        "InternalServerException",
        2,
    ),
    "unavailable": (
        lambda _: refused("ServiceUnavailableException", 500),
        "ServiceUnavailableException",
        2,
    ),
    "denied": (lambda _: refused("AccessDeniedException"), "AccessDeniedException", 1),
    "too long": (
        lambda _: refused("TextSizeLimitExceededException"),
        "TextSizeLimitExceededException",
        1,
    ),
    "bad request": (lambda _: refused("InvalidRequestException"), "InvalidRequestException", 1),
    "unsupported": (lambda _: refused(UNSUPPORTED_PAIR), UNSUPPORTED_PAIR, 1),
    "empty": (lambda _: translated(""), "empty", 1),
    "blank": (lambda _: translated(" \n "), "empty", 1),
    "no text": (lambda _: status(200, b"{}"), "KeyError", 1),
    "no JSON": (lambda _: status(200, b"<html>secret</html>"), "", 1),
    "cut off": (lambda _: cut_off(), "", 1),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_translation_that_fails_is_none_and_says_why(
    translator: Translator, service: TranslateService, failure: str
) -> None:
    service.answers["es"], reason, attempts = FAILURES[failure]
    translation = es(translator)
    assert translation.text is None
    assert translation.failure == reason or not reason
    assert translation.failure
    assert INNER_DETAIL not in translation.failure
    assert "secret" not in translation.failure
    assert len(service.requests) == attempts
    service.answers.clear()
    expected = None if failure == "unsupported" else "[es] Good evening."
    assert es(translator).text == expected, "a failure is not kept, unless it is of the pair"


def test_a_service_that_does_not_answer_is_asked_twice(service: TranslateService) -> None:
    client = service.client(read_timeout_seconds=0.2)
    translator = Translator(client, WITHOUT_PAUSES)
    service.hanging.add("es")
    assert es(translator) == Translation(None, "ReadTimeoutError")
    wait_until(lambda: len(service.requests) >= 2)
    assert len(service.requests) == 2


def test_a_service_that_cannot_be_reached_is_a_failure_like_others(
    service: TranslateService,
) -> None:
    service.url = "http://127.0.0.1:9"
    client = service.client()
    assert es(Translator(client, WITHOUT_PAUSES)) == Translation(None, "EndpointConnectionError")


def test_with_one_attempt_nothing_is_tried_again(
    translator: Translator, service: TranslateService
) -> None:
    service.answers["es"] = lambda _: refused("TooManyRequestsException")
    assert es(translator, attempts=1).text is None
    assert len(service.requests) == 1


def test_a_second_attempt_makes_up_for_the_first(
    translator: Translator, service: TranslateService
) -> None:
    answers = iter([refused("InternalServerException", 500), translated("Buenas noches.")])
    service.answers["es"] = lambda _: next(answers)
    assert es(translator) == Translation("Buenas noches.")


def test_a_pair_that_translate_does_not_know_is_asked_for_once(
    translator: Translator, service: TranslateService
) -> None:
    service.answers["zh-TW"] = lambda _: refused(UNSUPPORTED_PAIR)
    for text in ("one", "two", "three"):
        translation = translator.translate(text, "zh", "zh-TW", attempts=2)
        assert translation == Translation(None, UNSUPPORTED_PAIR)
    assert service.asked("zh-TW") == ["one"]
    assert translator.translate("one", "zh", "es", attempts=2).text == "[es] one"


def test_a_text_over_the_limit_goes_in_parts_and_comes_back_whole(
    translator: Translator, service: TranslateService
) -> None:
    text = "Así es. " * 2000
    assert len(text.encode()) > PART_LIMIT_BYTES
    service.answers["en"] = lambda asked: translated(asked["Text"].replace("Así es", "So it is"))
    translation = translator.translate(text, "es", "en", attempts=2)
    assert translation.text == ("So it is. " * 2000).strip()
    assert [len(part.encode()) <= PART_LIMIT_BYTES for part in service.asked("en")] == [True, True]


@pytest.mark.parametrize("answer", [refused("InvalidRequestException"), translated("")])
def test_of_the_parts_none_may_fail(
    translator: Translator, service: TranslateService, answer: bytes
) -> None:
    answers = iter([translated("So it is."), answer])
    service.answers["en"] = lambda _: next(answers)
    assert translator.translate("Así es. " * 2000, "es", "en", attempts=2).text is None


# ---- long texts in parts


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
