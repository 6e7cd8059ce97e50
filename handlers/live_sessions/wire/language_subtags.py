"""Subtags that stand for others, from CLDR and the IANA registry: those that matter to a lookup.

Written by `python -m tests.handlers.language_data`: edit that instead.
"""

from collections.abc import Mapping


def _pairs(words: str) -> Mapping[str, str]:
    return dict(word.split(":") for word in words.split())


ALIASES = _pairs("""
    afr:af alb:sq als:sq amh:am ar-aao:aao ar-abh:abh ar-abv:abv ar-acm:acm ar-acq:acq ar-acw:acw
    ar-acx:acx ar-acy:acy ar-adf:adf ar-aeb:aeb ar-aec:aec ar-afb:afb ar-ajp:apc ar-apc:apc
    ar-apd:apd ar-arb:ar ar-arq:arq ar-ars:ars ar-ary:ary ar-arz:arz ar-auz:auz ar-avl:avl
    ar-ayh:ayh ar-ayl:ayl ar-ayn:ayn ar-ayp:ayp ar-bbz:bbz ar-pga:pga ar-shu:shu ar-ssh:ssh ara:ar
    arb:ar arm:hy aze:az azj:az ben:bn bos:bs bul:bg cat:ca ces:cs chi:zh cmn:zh cnr:sr-ME cym:cy
    cze:cs dan:da deu:de drh:mn drw:fa-AF dut:nl ekk:et ell:el en-gb-oed:en-GB-oxendict eng:en
    est:et fas:fa fin:fi fra:fr fre:fr geo:ka ger:de gle:ga gre:el guj:gu hat:ht hau:ha hbs:sr-Latn
    heb:he hin:hi hrv:hr hun:hu hye:hy ice:is in:id ind:id isl:is ita:it iw:he jpn:ja kan:kn kat:ka
    kaz:kk khk:mn kor:ko lav:lv lit:lt lv-ltg:ltg lv-lvs:lv lvs:lv mac:mk mal:ml mar:mr may:ms
    mkd:mk mlt:mt mo:ro mol:ro mon:mn ms-bjn:bjn ms-btj:btj ms-bve:bve ms-bvu:bvu ms-coa:coa
    ms-dup:dup ms-hji:hji ms-jak:jak ms-jax:jax ms-kvb:kvb ms-kvr:kvr ms-kxd:kxd ms-lce:lce
    ms-lcf:lcf ms-liw:liw ms-max:max ms-meo:meo ms-mfa:mfa ms-mfb:mfb ms-min:min ms-mqg:mqg
    ms-msi:msi ms-mui:mui ms-orn:orn ms-ors:ors ms-pel:pel ms-pse:pse ms-tmw:tmw ms-urk:urk
    ms-vkk:vkk ms-vkt:vkt ms-xmm:xmm ms-zlm:zlm ms-zmi:zmi ms-zsm:ms msa:ms nld:nl nno:nn no-bok:nb
    no-nyn:nn nob:nb nor:no pan:pa pbu:ps per:fa pes:fa pol:pl por:pt prp:gu prs:fa-AF pus:ps ron:ro
    rum:ro rus:ru scc:sr scr:hr sh:sr-Latn sin:si slk:sk slo:sk slv:sl som:so spa:es sqi:sq srp:sr
    sw-swc:sw-CD sw-swh:sw swa:sw swc:sw-CD swe:sv swh:sw tam:ta tel:te tgl:fil tha:th tl:fil
    tnf:fa-AF tur:tr ukr:uk urd:ur uz-uzn:uz uz-uzs:uzs uzb:uz uzn:uz vie:vi wel:cy zh-cdo:cdo
    zh-cjy:cjy zh-cmn:zh zh-cnp:cnp zh-cpx:cpx zh-csp:csp zh-czh:czh zh-czo:czo zh-gan:gan
    zh-guoyu:zh zh-hak:hak zh-hakka:hak zh-hsn:hsn zh-lzh:lzh zh-min-nan:nan zh-mnp:mnp zh-nan:nan
    zh-wuu:wuu zh-xiang:hsn zh-yue:yue zho:zh zsm:ms
    """)
"""Canonical forms of languages, and of a few whole tags, by the lower-case text."""

REGION_ALIASES = _pairs("""
    004:AF 024:AO 032:AR 036:AU 068:BO 076:BR 084:BZ 124:CA 132:CV 152:CL 156:CN 158:TW 170:CO
    172:RU 188:CR 191:HR 192:CU 200:CZ 203:CZ 208:DK 214:DO 218:EC 222:SV 226:GQ 246:FI 249:FR
    250:FR 276:DE 278:DE 280:DE 300:GR 320:GT 340:HN 344:HK 356:IN 360:ID 364:IR 372:IE 376:IL
    380:IT 392:JP 410:KR 428:LV 442:LU 446:MO 458:MY 484:MX 508:MZ 528:NL 536:SA 554:NZ 558:NI
    578:NO 591:PA 600:PY 604:PE 608:PH 616:PL 620:PT 624:GW 626:TL 630:PR 642:RO 643:RU 678:ST
    682:SA 688:RS 703:SK 704:VN 706:SO 710:ZA 724:ES 752:SE 756:CH 764:TH 784:AE 804:UA 810:RU
    826:GB 840:US 858:UY 862:VE 890:RS 891:RS CS:RS DD:DE FX:FR NT:SA PZ:PA SU:RU TP:TL UK:GB VD:VN
    YU:RS
    """)
"""Regions by their older or numeric codes."""

IMPLIED_SCRIPTS = _pairs("""
    af:Latn am:Ethi ar:Arab bg:Cyrl bn:Beng bs:Latn ca:Latn cs:Latn cy:Latn da:Latn de:Latn el:Grek
    en:Latn es:Latn et:Latn fa:Arab fi:Latn fr:Latn ga:Latn gu:Gujr he:Hebr hi:Deva hr:Latn ht:Latn
    hu:Latn hy:Armn id:Latn is:Latn it:Latn ja:Jpan ka:Geor kk:Cyrl kn:Knda ko:Kore lt:Latn lv:Latn
    mk:Cyrl ml:Mlym mr:Deva ms:Latn mt:Latn nb:Latn nl:Latn nn:Latn no:Latn pa:Guru pl:Latn ps:Arab
    pt:Latn ro:Latn ru:Cyrl si:Sinh sk:Latn sl:Latn so:Latn sq:Latn sv:Latn sw:Latn ta:Taml te:Telu
    th:Thai tl:Latn tr:Latn uk:Cyrl ur:Arab vi:Latn
    """)
"""By language: the script that a canonical tag leaves out."""

IRREGULAR_TAGS = """
    i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu
    sgn-be-fr sgn-be-nl sgn-ch-de
    """.split()
"""In lower case: well-formed, although the grammar does not have them."""

CHILDREN_OF_ES_419 = """
    AR BO BR BZ CL CO CR CU DO EC GT HN JP MX NI PA PE PR PY SV US UY VE
    """.split()
"""The regions whose Spanish is Latin America's."""

CHILDREN_OF_PT_PT = """
    AO CH CV FR GQ GW LU MO MZ ST TL
    """.split()
"""The regions whose Portuguese is Portugal's."""
