"""The languages of the wire, and their codes at each service."""

from __future__ import annotations

import pytest

from contract.languages import LANGUAGES, SOURCE_LANGUAGES, TARGET_LANGUAGES

# The values of StartStreamTranscription's LanguageCode that stream in every Region.
# https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_StartStreamTranscription.html
STREAMED = frozenset(
    """
    af-ZA ar-AE ar-SA ca-ES cs-CZ da-DK de-CH de-DE el-GR en-AB en-AU en-GB en-IE en-IN en-NZ en-US
    en-WL en-ZA es-ES es-US eu-ES fa-IR fi-FI fr-CA fr-FR gl-ES he-IL hi-IN hr-HR id-ID it-IT ja-JP
    ko-KR lv-LV ms-MY nl-NL no-NO pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK so-SO sr-RS sv-SE th-TH tl-PH
    uk-UA vi-VN zh-CN zh-HK zh-TW zu-ZA
    """.split()
)
# https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html
TRANSLATED = frozenset(
    """
    af am ar az bg bn bs ca cs cy da de el en es es-MX et fa fa-AF fi fr fr-CA ga gu ha he hi hr ht
    hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms mt nl no pa pl ps pt pt-PT ro ru si sk sl so
    sq sr sv sw ta te th tl tr uk ur uz vi zh zh-TW
    """.split()
)
OFFERED_IN_THE_FIRST_RELEASE = frozenset(
    "ar de en es fr fr-CA hi it ja ko nl pt pt-PT sv th vi zh zh-TW".split()
)


def test_every_code_is_supported_by_its_service() -> None:
    assert {locale for each in LANGUAGES.values() for locale in each.locales} <= STREAMED
    assert {each.translate for each in LANGUAGES.values()} == TRANSLATED


def test_listeners_may_choose_every_language_of_translate() -> None:
    assert TARGET_LANGUAGES == TRANSLATED


def test_every_source_language_of_the_first_release_is_still_offered() -> None:
    assert OFFERED_IN_THE_FIRST_RELEASE <= SOURCE_LANGUAGES


def test_every_source_language_is_a_target_language() -> None:
    assert SOURCE_LANGUAGES <= TARGET_LANGUAGES


def test_every_accent_that_transcribe_streams_is_offered_if_translate_has_its_language() -> None:
    offered = {locale for each in LANGUAGES.values() for locale in each.locales}
    assert STREAMED - offered == {"eu-ES", "gl-ES", "zu-ZA"}


def test_no_two_languages_have_the_same_usual_accent_or_the_same_code_at_translate() -> None:
    for codes in (
        [each.locales[0] for each in LANGUAGES.values() if each.locales],
        [each.translate for each in LANGUAGES.values()],
    ):
        assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "usual"),
    [("en", ["en-US"]), ("pt", ["pt-BR"]), ("pt-PT", ["pt-PT"]), ("zh-TW", ["zh-TW"]), ("cy", [])],
)
def test_a_source_language_has_a_usual_accent(code: str, usual: list[str]) -> None:
    assert list(LANGUAGES[code].locales[:1]) == usual


def test_the_table_is_keyed_by_the_languages_codes() -> None:
    assert all(language.code == code for code, language in LANGUAGES.items())
