"""The tags that clients send: which language each stands for, and what is refused."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.languages import LANGUAGES, SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.wire.language_tags import (
    STANDS_FOR,
    MalformedTag,
    SpokenLanguage,
    canonical,
    looked_up,
    spoken_language,
)
from live_sessions.wire.messages import (
    ChangeLanguage,
    ClientMessage,
    CreateSession,
    JoinSession,
    RefreshAsListener,
)
from live_sessions.wire.refusals import ProtocolError
from live_sessions.wire.requests import open_envelope, read_message
from tests.handlers.conftest import OpenSockets, Stage

MALFORMED = "INVALID_PARAMETER"
UNSUPPORTED = "UNSUPPORTED_LANGUAGE"

READ: dict[str, str] = {
    # Case and underscores.
    "en": "en",
    "EN": "en",
    "eN-us": "en",
    "en_US": "en",
    "PT_br": "pt",
    "ZH_tw": "zh-TW",
    "fR-cA": "fr-CA",
    # Regions, scripts, variants, extensions and private use are dropped from the right.
    "en-GB": "en",
    "en-AU": "en",
    "de-AT": "de",
    "de-1996": "de",
    "de-CH-1996": "de",
    "sl-rozaj-biske": "sl",
    "ca-valencia": "ca",
    "ru-Cyrl-RU": "ru",
    "sr-Latn": "sr",
    "sr-Latn-RS": "sr",
    "en-US-u-hc-h12": "en",
    "en-a-bbb-x-a-ccc": "en",
    "fr-CA-x-quebec": "fr-CA",
    "en-US-posix": "en",
    "en-001": "en",
    "th-TH-u-nu-thai": "th",
    # A script that goes without saying hides no region.
    "fr-Latn-CA": "fr-CA",
    "fa-Arab-AF": "fa-AF",
    "fa-AF": "fa-AF",
    "fa-IR": "fa",
    "es-Latn-MX": "es-MX",
    # Deprecated, three-letter and extended forms.
    "iw": "he",
    "iw-IL": "he",
    "in": "id",
    "mo": "ro",
    "sh": "sr",
    "eng": "en",
    "fra-CA": "fr-CA",
    "fre": "fr",
    "ger": "de",
    "deu-AT": "de",
    "zho": "zh",
    "arb": "ar",
    "zsm": "ms",
    "prs": "fa-AF",
    "prs-IR": "fa",
    "en-UK": "en",
    "es-484": "es-MX",
    "en-GB-oed": "en",
    "zh-cmn-Hant-TW": "zh-TW",
    # Chinese by its script, or else by its region.
    "zh": "zh",
    "zh-CN": "zh",
    "zh-SG": "zh",
    "zh-Hans": "zh",
    "zh-Hans-HK": "zh",
    "zh-Hans-TW": "zh",
    "zh-TW": "zh-TW",
    "zh-HK": "zh-TW",
    "zh-MO": "zh-TW",
    "zh-Hant": "zh-TW",
    "zh-Hant-HK": "zh-TW",
    "zh-Hant-CN": "zh-TW",
    "zh-Hant-TW": "zh-TW",
    "cmn": "zh",
    "cmn-Hant": "zh-TW",
    "yue": "zh-TW",
    "yue-HK": "zh-TW",
    "yue-Hant-HK": "zh-TW",
    "yue-Hans": "zh",
    "yue-Hans-CN": "zh",
    "zh-yue": "zh-TW",
    "zh-yue-Hans": "zh",
    # Spanish of Latin America, and Portuguese of Portugal and of the countries that follow it.
    "es": "es",
    "es-ES": "es",
    "es-GQ": "es",
    "es-PH": "es",
    "es-419": "es-MX",
    "es-MX": "es-MX",
    "es-AR": "es-MX",
    "es-CO": "es-MX",
    "es-US": "es-MX",
    "pt": "pt",
    "pt-BR": "pt",
    "pt-PT": "pt-PT",
    "pt-PT-ao1990": "pt-PT",
    "pt-AO": "pt-PT",
    "pt-MZ": "pt-PT",
    "pt-MO": "pt-PT",
    "pt-IN": "pt",
    # Norwegian and Filipino.
    "no": "no",
    "nb": "no",
    "nb-NO": "no",
    "nn": "no",
    "no-bok": "no",
    "fil": "tl",
    "fil-PH": "tl",
    "tl": "tl",
    "tgl": "tl",
    # Only listeners can choose these.
    "cy-GB": "cy",
    "tr-TR": "tr",
    # Well-formed, but nothing that Translate knows.
    "tlh": UNSUPPORTED,
    "i-klingon": UNSUPPORTED,
    "x-pirate": UNSUPPORTED,
    "und": UNSUPPORTED,
    "english": UNSUPPORTED,
    "ji": UNSUPPORTED,
    "eu-ES": UNSUPPORTED,
    "zh-min-nan": UNSUPPORTED,
    "ar-arz": UNSUPPORTED,
    "sgn-BE-FR": UNSUPPORTED,
    "i-default": UNSUPPORTED,
    # Malformed.
    "": MALFORMED,
    "e": MALFORMED,
    "-": MALFORMED,
    "en--US": MALFORMED,
    "en-": MALFORMED,
    "-en": MALFORMED,
    "en US": MALFORMED,
    " en": MALFORMED,
    "en\n": MALFORMED,
    "en-US.UTF-8": MALFORMED,
    "en@euro": MALFORMED,
    "*": MALFORMED,
    "en-*": MALFORMED,
    "en-a": MALFORMED,
    "en-x": MALFORMED,
    "en-US-GB": MALFORMED,
    "pt-ao1990-PT": MALFORMED,
    "zh-HK-Hant": MALFORMED,
    "en-abcdefghi": MALFORMED,
    "español": MALFORMED,
    "\u212ao": MALFORMED,  # the Kelvin sign, whose lower case is k
    "12": MALFORMED,
    "en-US-x-" + "a" * 28: MALFORMED,
}
"""For each tag: the target language that it stands for, or the code of the error."""

SPOKEN: dict[str, tuple[str, str] | str] = {
    "en": ("en", "en-US"),
    "EN_gb": ("en", "en-GB"),
    "en-UK": ("en", "en-GB"),
    "en-GB-oed": ("en", "en-GB"),
    "en-GB-scotland": ("en", "en-GB"),
    "en-Latn-ZA": ("en", "en-ZA"),
    "en-AB": ("en", "en-AB"),
    "en-840": ("en", "en-US"),
    "en-SG": ("en", "en-US"),
    "en-001": ("en", "en-US"),
    "de": ("de", "de-DE"),
    "de-AT": ("de", "de-DE"),
    "de-CH": ("de", "de-CH"),
    "ar": ("ar", "ar-SA"),
    "ar-EG": ("ar", "ar-SA"),
    "ar-AE": ("ar", "ar-AE"),
    "es": ("es", "es-ES"),
    "es-MX": ("es-MX", "es-US"),
    "es-AR": ("es-MX", "es-US"),
    "es-US": ("es-MX", "es-US"),
    "fr-BE": ("fr", "fr-FR"),
    "fr-CA": ("fr-CA", "fr-CA"),
    "pt": ("pt", "pt-BR"),
    "pt-AO": ("pt-PT", "pt-PT"),
    "zh": ("zh", "zh-CN"),
    "zh-Hans-SG": ("zh", "zh-CN"),
    "zh-TW": ("zh-TW", "zh-TW"),
    "zh-Hant": ("zh-TW", "zh-TW"),
    "zh-HK": ("zh-TW", "zh-HK"),
    "zh-Hant-HK": ("zh-TW", "zh-HK"),
    "zh-MO": ("zh-TW", "zh-TW"),
    "yue": ("zh-TW", "zh-HK"),
    "yue-CN": ("zh-TW", "zh-HK"),
    "zh-yue-HK": ("zh-TW", "zh-HK"),
    "yue-Hans": ("zh", "zh-HK"),
    "iw": ("he", "he-IL"),
    "nn-NO": ("no", "no-NO"),
    "fil-PH": ("tl", "tl-PH"),
    # Transcribe does not stream Dari, but Persian.
    "fa-AF": ("fa", "fa-IR"),
    "cy": UNSUPPORTED,
    "eu": UNSUPPORTED,
    "tlh": UNSUPPORTED,
    "en--GB": MALFORMED,
}
"""For each tag: the source language and `sourceLocale`, or the code of the error."""

READERS: tuple[tuple[type[ClientMessage], dict[str, Any]], ...] = (
    (JoinSession, {"action": "joinSession", "sessionId": "a"}),
    (ChangeLanguage, {"action": "changeLanguage"}),
    (RefreshAsListener, {"action": "refreshConnection", "sessionId": "a", "connectionId": "b"}),
)
LETTERS = string.ascii_letters + string.digits + "-_"
TEXTS = st.text() | st.text(LETTERS) | st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,4}")
"""Any text, text of a tag's characters, and text that is often a tag."""


def read(message_type: type[ClientMessage], **fields: Any) -> ClientMessage | ProtocolError:
    """The message, or the refusal that answers it."""
    try:
        return read_message(open_envelope(json.dumps(fields)), message_type)
    except ProtocolError as refusal:
        return refusal


def outcome(result: ClientMessage | ProtocolError) -> tuple[str, str] | str:
    """What a tag stood for: as in SPOKEN, as in READ, or the code of the error."""
    match result:
        case CreateSession(source_language=tag):
            spoken = spoken_language(tag)
            return spoken.code, spoken.locale
        case JoinSession() | ChangeLanguage() | RefreshAsListener():
            return result.target_language
        case ProtocolError():
            return result.code
        case _:
            raise AssertionError(f"{result} has no language")


@pytest.mark.parametrize("tag", READ)
def test_a_listeners_tag_is_read_as_the_supported_language_that_it_stands_for(tag: str) -> None:
    for message_type, fields in READERS:
        result = read(message_type, **fields, targetLanguage=tag)
        assert outcome(result) == READ[tag]
        if isinstance(result, ProtocolError):
            assert result.details is not None
            assert (result.details["parameter"], result.details["value"]) == ("targetLanguage", tag)


@pytest.mark.parametrize("tag", SPOKEN)
def test_a_speakers_tag_names_the_language_and_the_accent(tag: str) -> None:
    result = read(CreateSession, action="createSession", sourceLanguage=tag)
    assert outcome(result) == SPOKEN[tag]


def test_a_tag_has_at_most_35_characters() -> None:
    longest = "en-US-x-" + "-".join(["a"] * 13) + "-b"
    assert len(longest) == 35
    for tag, expected in ((longest, "en"), (f"{longest}b", MALFORMED)):
        assert (
            outcome(read(ChangeLanguage, action="changeLanguage", targetLanguage=tag)) == expected
        )


def test_a_malformed_tag_is_refused_with_an_example() -> None:
    refusal = read(CreateSession, action="createSession", sourceLanguage="en--US")
    assert isinstance(refusal, ProtocolError)
    assert "Expected a language tag, such as `pt-BR`" in refusal.message


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_supported_language_stands_for_itself(code: str) -> None:
    assert looked_up(code, TARGET_LANGUAGES) == code
    if code in SOURCE_LANGUAGES:
        assert spoken_language(code) == SpokenLanguage(code, LANGUAGES[code].locales[0])


@pytest.mark.parametrize(
    "locale", sorted({each for one in LANGUAGES.values() for each in one.locales})
)
def test_a_speaker_can_choose_each_accent_of_transcribe_by_its_code(locale: str) -> None:
    assert spoken_language(locale).locale == locale


def test_every_exception_leads_to_a_language_that_can_be_spoken_and_read() -> None:
    assert set(STANDS_FOR.values()) <= SOURCE_LANGUAGES & TARGET_LANGUAGES


def test_every_exception_is_a_canonical_tag() -> None:
    """Others would never be looked up."""
    assert {tag: canonical(tag) for tag in STANDS_FOR} == {tag: tag for tag in STANDS_FOR}


@given(TEXTS)
@example("hy-Armn-arevmda")
@example("zho-hakka")
@example("EN_gb-OED")
@example("i-klingon")
@example("x-A")
def test_the_canonical_form_is_its_own_canonical_form(text: str) -> None:
    try:
        once = canonical(text)
    except MalformedTag:
        return
    assert canonical(once) == once
    assert canonical(text.swapcase().replace("-", "_")) == once


@given(TEXTS)
def test_no_text_raises_anything_but_the_two_errors(text: str) -> None:
    # A lone surrogate is not text: it is refused with the whole message.
    refused = {MALFORMED, UNSUPPORTED, "INVALID_MESSAGE"}
    source = outcome(read(CreateSession, action="createSession", sourceLanguage=text))
    assert source in refused or source[1] in LANGUAGES[source[0]].locales
    target = outcome(read(ChangeLanguage, action="changeLanguage", targetLanguage=text))
    assert target in refused | TARGET_LANGUAGES


# ---- in a session


def test_every_action_answers_and_counts_with_the_language_that_was_found(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker = stage.connect_speaker()
    created = stage.send(speaker, "createSession", sourceLanguage="en_GB")
    assert (created["sourceLanguage"], created["sourceLocale"]) == ("en", "en-GB")
    session_id = created["sessionId"]
    row = stage.session(session_id)
    assert (row["sourceLanguage"], row["sourceLocale"]) == ("en", "en-GB")

    listener = stage.connect_listener()
    joined = stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="zh_hant-HK")
    assert (joined["targetLanguage"], joined["sourceLanguage"]) == ("zh-TW", "en")
    assert stage.connection(listener)["targetLanguage"] == "zh-TW"

    changed = stage.send(listener, "changeLanguage", targetLanguage="pt-AO")
    assert changed["targetLanguage"] == "pt-PT"

    newer = stage.connect_listener()
    fields = {"sessionId": session_id, "connectionId": listener, "targetLanguage": "IW"}
    assert stage.send(newer, "refreshConnection", **fields)["type"] == "connectionRefreshComplete"
    assert stage.connection(newer)["targetLanguage"] == "he"

    status = stage.send(speaker, "getSessionStatus")
    assert status["languageDistribution"] == {"he": 1}
    pushed = [
        frame["languageDistribution"] for frame in sockets.frames_of(speaker, "sessionStatus")
    ]
    assert pushed == [{"zh-TW": 1}, {"pt-PT": 1}, {"he": 1}]


def test_another_tag_of_the_same_language_is_no_change(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, "pt")
    before = stage.session(session_id), stage.connection(listener)
    assert stage.send(listener, "changeLanguage", targetLanguage="pt-BR")["targetLanguage"] == "pt"
    assert (stage.session(session_id), stage.connection(listener)) == before
