"""The codes that the real services know, read from their documents and not from our own table."""

# https://docs.aws.amazon.com/transcribe/latest/dg/supported-languages.html: those that stream.
TRANSCRIBE_STREAMING_LANGUAGES = frozenset(
    """
    af-ZA ar-AE ar-SA ca-ES cs-CZ da-DK de-CH de-DE el-GR en-AB en-AU en-GB en-IE en-IN en-NZ
    en-US en-WL en-ZA es-ES es-US eu-ES fa-IR fi-FI fr-CA fr-FR gl-ES he-IL hi-IN hr-HR id-ID
    it-IT ja-JP ko-KR lv-LV ms-MY nl-NL no-NO pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK so-SO sr-RS
    sv-SE th-TH tl-PH uk-UA vi-VN zh-CN zh-HK zh-TW zu-ZA
""".split()
)
# https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html
TRANSLATE_LANGUAGES = frozenset(
    """
    af am ar az bg bn bs ca cs cy da de el en es es-MX et fa fa-AF fi fr fr-CA ga gu ha he
    hi hr ht hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms mt nl no pa pl ps pt pt-PT
    ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zh-TW
""".split()
)
