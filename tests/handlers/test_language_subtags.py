"""The table of subtags is what CLDR and the IANA registry say."""

from __future__ import annotations

import langcodes
import pytest

from live_sessions.wire.language_subtags import ALIASES, IMPLIED_SCRIPTS, REGION_ALIASES
from live_sessions.wire.language_tags import canonical
from tests.handlers.language_data import MODULE, module_text


def test_the_table_is_up_to_date() -> None:
    assert MODULE.read_text() == module_text(), (
        "CLDR or the registry has changed: run `python -m tests.handlers.language_data`,"
        " and check what that changes for clients"
    )


def test_every_alias_is_resolved_to_its_end() -> None:
    assert not {value.lower() for value in ALIASES.values()} & ALIASES.keys()
    assert not {value.partition("-")[0] for value in ALIASES.values()} & ALIASES.keys()
    assert not set(REGION_ALIASES.values()) & REGION_ALIASES.keys()


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_has_the_canonical_form_of_what_it_stands_for(alias: str) -> None:
    assert canonical(alias) == canonical(ALIASES[alias])
    assert canonical(alias).lower() not in ALIASES


@pytest.mark.parametrize("language", sorted(IMPLIED_SCRIPTS))
def test_langcodes_leaves_out_the_same_scripts_and_replaces_the_same_regions(language: str) -> None:
    tag = f"{language}-{IMPLIED_SCRIPTS[language]}-UK"
    assert canonical(tag) == langcodes.standardize_tag(tag)
