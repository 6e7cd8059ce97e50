"""Clients' language tags: their canonical form, and the supported language that each stands for.

https://www.rfc-editor.org/info/bcp47: RFC 5646 has the grammar, RFC 4647 the lookup.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from contract.languages import LANGUAGES, SOURCE_LANGUAGES
from live_sessions.wire.language_subtags import (
    ALIASES,
    CHILDREN_OF_ES_419,
    CHILDREN_OF_PT_PT,
    IMPLIED_SCRIPTS,
    IRREGULAR_TAGS,
    REGION_ALIASES,
)

_GRAMMAR = re.compile(
    r"(?P<language>[a-z]{4,8}|[a-z]{2,3}(?P<extended>(-[a-z]{3}){0,3}))"
    r"(-(?P<script>[a-z]{4}))?"
    r"(-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(-[a-wyz0-9](-[a-z0-9]{2,8})+)*"  # extensions
    r"(-x(-[a-z0-9]{1,8})+)?)"  # private use
)
_PRIVATE_USE = re.compile(r"x(-[a-z0-9]{1,8})+")

STANDS_FOR: Mapping[str, str] = {
    **dict.fromkeys(("zh-Hant", "zh-HK", "zh-MO", "yue"), "zh-TW"),
    "yue-Hans": "zh",
    "nb": "no",
    "nn": "no",
    "fil": "tl",
    "es-419": "es-MX",
    **{f"es-{region}": "es-MX" for region in CHILDREN_OF_ES_419},
    **{f"pt-{region}": "pt-PT" for region in CHILDREN_OF_PT_PT},
}
"""Canonical tags that stand for another language than the one that truncation finds."""

CANTONESE, CANTONESE_LOCALE = "yue", "zh-HK"

SCRIPT_LENGTH = 4


class MalformedTag(ValueError):
    """The text does not follow the grammar of language tags."""


@dataclass(frozen=True)
class SpokenLanguage:
    """A source language by its code on the wire, and Transcribe's code for the accent."""

    code: str
    locale: str


@dataclass(frozen=True)
class _Subtags:
    language: str
    extended: str = ""
    script: str = ""
    region: str = ""
    rest: str = ""

    def __str__(self) -> str:
        parts = (self.language, self.extended, self.script, self.region, self.rest)
        return "-".join(filter(None, parts))


def canonical(tag: str) -> str:
    """The tag in its canonical form: `en_us` is en-US, `iw` is he, `es-Latn-MX` is es-MX.

    Replaces the deprecated, three-letter and extended forms of the languages and regions that
    matter to a lookup, and no others. Raises MalformedTag.
    """
    return str(_canonical_subtags(tag))


def looked_up(tag: str, supported: Collection[str]) -> str | None:
    """The supported language that the tag stands for, if any. Raises MalformedTag."""
    return _truncated_to(canonical(tag), supported)


def spoken_language(tag: str) -> SpokenLanguage:
    """The source language and the accent that the tag stands for.

    An accent that Transcribe does not know is transcribed as the language's usual one. Raises
    MalformedTag, and ValueError if the tag stands for no source language.
    """
    subtags = _canonical_subtags(tag)
    code = _truncated_to(str(subtags), SOURCE_LANGUAGES)
    if code is None:
        raise ValueError(f"{tag} stands for no source language")
    is_cantonese = subtags.language == CANTONESE
    accent = CANTONESE_LOCALE if is_cantonese else f"{subtags.language}-{subtags.region}"
    locales = LANGUAGES[code].locales
    return SpokenLanguage(code, accent if accent in locales else locales[0])


def _canonical_subtags(tag: str) -> _Subtags:
    text = tag.replace("_", "-").lower()
    if not tag.isascii():
        raise MalformedTag(tag)
    if text in IRREGULAR_TAGS or _PRIVATE_USE.fullmatch(text):
        return _Subtags(text)
    found = _GRAMMAR.fullmatch(ALIASES.get(text, text).lower())
    if found is None:
        raise MalformedTag(tag)
    subtags = _with_canonical_language(
        _Subtags(
            language=found["language"].removesuffix(found["extended"] or ""),
            extended=(found["extended"] or "").removeprefix("-"),
            script=(found["script"] or "").title(),
            region=(found["region"] or "").upper(),
            rest=found["rest"].removeprefix("-"),
        )
    )
    implied_script = IMPLIED_SCRIPTS.get(subtags.language)
    subtags = replace(
        subtags,
        script="" if subtags.script == implied_script else subtags.script,
        region=REGION_ALIASES.get(subtags.region, subtags.region),
    )
    # What is left may be an alias itself: zho-hakka is zh-hakka, which is hak.
    alias = ALIASES.get(str(subtags).lower())
    return subtags if alias is None else _canonical_subtags(alias)


def _with_canonical_language(subtags: _Subtags) -> _Subtags:
    """With its language replaced; a script or region of the tag's own is kept: prs-IR is fa-IR."""
    language, *implied = ALIASES.get(subtags.language, subtags.language).split("-")
    extended = subtags.extended
    if extended and (alias := ALIASES.get(f"{language}-{extended}")):
        extended = ""
        language, *implied = alias.split("-")
    scripts = [each for each in implied if len(each) == SCRIPT_LENGTH]
    regions = [each for each in implied if len(each) != SCRIPT_LENGTH]
    return replace(
        subtags,
        language=language,
        extended=extended,
        script=subtags.script or "".join(scripts),
        region=subtags.region or "".join(regions),
    )


def _truncated_to(tag: str, supported: Collection[str]) -> str | None:
    """RFC 4647, section 3.4: subtags are dropped from the right until one is supported."""
    subtags = tag.split("-")
    while subtags:
        rest = "-".join(subtags)
        found = STANDS_FOR.get(rest, rest)
        if found in supported:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
    return None
