"""Writes handlers/live_sessions/wire/language_subtags.py from CLDR and the IANA registry.

Babel has CLDR's data, langcodes the registry. `python -m tests.handlers.language_data` writes the
module; after an update of either package a test says when that is needed.
"""

import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from babel.core import get_global  # pyright: ignore[reportUnknownVariableType]
from langcodes.registry_parser import parse_registry  # pyright: ignore[reportUnknownVariableType]

from contract.languages import LANGUAGES, TARGET_LANGUAGES

MODULE = Path(__file__).parents[2] / "handlers" / "live_sessions" / "wire" / "language_subtags.py"

STAND_FOR_OTHERS = {"yue", "nb", "nn", "fil"}
"""Languages of the lookup's exceptions, which no supported tag begins with."""

HEADER = '''\
"""Subtags that stand for others, from CLDR and the IANA registry: those that matter to a lookup.

Written by `python -m tests.handlers.language_data`: edit that instead.
"""

from collections.abc import Mapping


def _pairs(words: str) -> Mapping[str, str]:
    return dict(word.split(":") for word in words.split())


'''


def module_text() -> str:
    """The module's text."""
    aliases = language_aliases()
    return HEADER + "\n".join(
        (
            _pairs(
                "ALIASES",
                aliases,
                "Canonical forms of languages, and of a few whole tags, by the lower-case text.",
            ),
            _pairs("REGION_ALIASES", region_aliases(), "Regions by their older or numeric codes."),
            _pairs(
                "IMPLIED_SCRIPTS",
                implied_scripts(),
                "By language: the script that a canonical tag leaves out.",
            ),
            _words(
                "IRREGULAR_TAGS",
                irregular_tags() - aliases.keys(),
                "In lower case: well-formed, although the grammar does not have them.",
            ),
            _words(
                "CHILDREN_OF_ES_419",
                children("es_419"),
                "The regions whose Spanish is Latin America's.",
            ),
            _words(
                "CHILDREN_OF_PT_PT",
                children("pt_PT"),
                "The regions whose Portuguese is Portugal's.",
            ),
        )
    )


def languages_looked_up() -> set[str]:
    return {code.partition("-")[0] for code in TARGET_LANGUAGES} | STAND_FOR_OTHERS


def regions_looked_up() -> set[str]:
    tags = {*TARGET_LANGUAGES, *(each for one in LANGUAGES.values() for each in one.locales)}
    regions = {region for tag in tags if (region := tag.partition("-")[2])}
    return regions | {"HK", "MO", *children("es_419"), *children("pt_PT")}


def language_aliases() -> dict[str, str]:
    """Resolved to their end; those that lead to or from a language that is looked up."""
    cldr = {
        key.lower(): value.replace("_", "-") for key, value in _cldr("language_aliases").items()
    }
    aliases = cldr | dict(_registered_aliases())
    resolved = {key: _resolved(value, aliases) for key, value in aliases.items()}
    wanted = languages_looked_up()
    return {
        key: value
        for key, value in resolved.items()
        if wanted & {key.partition("-")[0], value.partition("-")[0]}
    }


def _registered_aliases() -> Iterator[tuple[str, str]]:
    for entry in _registry():
        if entry["Type"] == "extlang":
            for prefix in entry["Prefix"]:
                yield f"{prefix}-{entry['Subtag']}", entry["Preferred-Value"]
        elif entry["Type"] == "grandfathered" and "Preferred-Value" in entry:
            yield entry["Tag"].lower(), entry["Preferred-Value"]


def _resolved(tag: str, aliases: Mapping[str, str]) -> str:
    language, *rest = tag.split("-")
    while language in aliases:
        language, *implied = aliases[language].split("-")
        rest = rest or implied
    return "-".join([language, *rest])


def region_aliases() -> dict[str, str]:
    wanted = regions_looked_up()
    found = {key: values[0] for key, values in _cldr("territory_aliases").items()}
    return {
        key: value
        for key, value in found.items()
        if value in wanted and (len(key) == 2 or key.isdecimal())
    }


def implied_scripts() -> dict[str, str]:
    wanted = languages_looked_up()
    return {
        entry["Subtag"]: entry["Suppress-Script"]
        for entry in _registry()
        if entry["Type"] == "language" and "Suppress-Script" in entry and entry["Subtag"] in wanted
    }


def irregular_tags() -> set[str]:
    tags = {each["Tag"].lower() for each in _registry() if each["Type"] == "grandfathered"}
    return {tag for tag in tags if tag.startswith(("i-", "sgn-")) or tag == "en-gb-oed"}


def children(parent: str) -> set[str]:
    """The regions of the locales that inherit from `parent` in CLDR."""
    found = {key for key, value in _cldr("parent_exceptions").items() if value == parent}
    return {key.partition("_")[2] for key in found}


def _registry() -> list[dict[str, Any]]:
    return [each for each in cast(Iterable[dict[str, Any]], parse_registry()) if "Type" in each]


def _cldr(name: str) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], get_global(cast(Any, name)))


def _pairs(name: str, pairs: Mapping[str, str], meaning: str) -> str:
    words = [f"{key}:{value}" for key, value in pairs.items()]
    return _words(name, words, meaning, of="_pairs({})")


def _words(name: str, words: Iterable[str], meaning: str, *, of: str = "{}.split()") -> str:
    text = textwrap.fill(
        " ".join(sorted(words)),
        width=100,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    value = of.format(f'"""\n{text}\n    """')
    before, text, after = value.partition('"""')
    return f'{name} = {before}{text}{after}\n"""{meaning}"""\n'


if __name__ == "__main__":
    sys.exit(0 if MODULE.write_text(module_text()) else 1)
