"""The languages of the wire, with their codes at Amazon Transcribe and Amazon Translate.

Listeners read what Translate supports:
https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html
Speakers speak what Transcribe streams in every Region:
https://docs.aws.amazon.com/transcribe/latest/dg/supported-languages.html
Every source language is also a target language.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """A language by its `code` on the wire.

    `locales` are Transcribe's codes of its accents, the usual one first; none: nobody can speak it
    in a session. `translate` is its code at Translate.
    """

    code: str
    locales: tuple[str, ...]
    translate: str


# Wire, Transcribe (streaming), Translate. es-US is the closest of Transcribe's accents to es-MX,
# and zh-HK, which is Cantonese, is written in either script.
_TABLE = """
    af    af-ZA af
    am    -     am
    ar    ar-SA,ar-AE ar
    az    -     az
    bg    -     bg
    bn    -     bn
    bs    -     bs
    ca    ca-ES ca
    cs    cs-CZ cs
    cy    -     cy
    da    da-DK da
    de    de-DE,de-CH de
    el    el-GR el
    en    en-US,en-AB,en-AU,en-GB,en-IE,en-IN,en-NZ,en-WL,en-ZA en
    es    es-ES es
    es-MX es-US es-MX
    et    -     et
    fa    fa-IR fa
    fa-AF -     fa-AF
    fi    fi-FI fi
    fr    fr-FR fr
    fr-CA fr-CA fr-CA
    ga    -     ga
    gu    -     gu
    ha    -     ha
    he    he-IL he
    hi    hi-IN hi
    hr    hr-HR hr
    ht    -     ht
    hu    -     hu
    hy    -     hy
    id    id-ID id
    is    -     is
    it    it-IT it
    ja    ja-JP ja
    ka    -     ka
    kk    -     kk
    kn    -     kn
    ko    ko-KR ko
    lt    -     lt
    lv    lv-LV lv
    mk    -     mk
    ml    -     ml
    mn    -     mn
    mr    -     mr
    ms    ms-MY ms
    mt    -     mt
    nl    nl-NL nl
    no    no-NO no
    pa    -     pa
    pl    pl-PL pl
    ps    -     ps
    pt    pt-BR pt
    pt-PT pt-PT pt-PT
    ro    ro-RO ro
    ru    ru-RU ru
    si    -     si
    sk    sk-SK sk
    sl    -     sl
    so    so-SO so
    sq    -     sq
    sr    sr-RS sr
    sv    sv-SE sv
    sw    -     sw
    ta    -     ta
    te    -     te
    th    th-TH th
    tl    tl-PH tl
    tr    -     tr
    uk    uk-UA uk
    ur    -     ur
    uz    -     uz
    vi    vi-VN vi
    zh    zh-CN,zh-HK zh
    zh-TW zh-TW,zh-HK zh-TW
"""


def _language(row: str) -> Language:
    code, locales, translate = row.split()
    return Language(code, () if locales == "-" else tuple(locales.split(",")), translate)


LANGUAGES: Mapping[str, Language] = {
    language.code: language for language in map(_language, _TABLE.strip().splitlines())
}

SOURCE_LANGUAGES = frozenset(code for code, each in LANGUAGES.items() if each.locales)
TARGET_LANGUAGES = frozenset(LANGUAGES)
