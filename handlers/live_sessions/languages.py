"""The languages of the wire: what a speaker may speak and a listener may read.

Targets are Amazon Translate's languages
(https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html); sources are those of
them that Amazon Transcribe also takes as a stream
(https://docs.aws.amazon.com/transcribe/latest/dg/supported-languages.html).
"""

TARGET_LANGUAGES = frozenset(
    """
    af am ar az bg bn bs ca cs cy da de el en es es-MX et fa fa-AF fi fr fr-CA ga gu ha he
    hi hr ht hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms mt nl no pa pl ps pt pt-PT
    ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zh-TW
""".split()
)

SOURCE_LANGUAGES = frozenset(
    """
    ar de en es fr fr-CA hi it ja ko nl pt pt-PT sv th vi zh zh-TW
""".split()
)
