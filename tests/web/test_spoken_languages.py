"""What a speaker can choose stands, to the service, for exactly one accent each."""

from __future__ import annotations

import json

from contract.languages import LANGUAGES
from live_sessions.wire.language_tags import spoken_language
from tests.typescript.conftest import run_node
from tests.web.test_unit_tests import PACKAGE

PRINT_TAGS = """
import { spokenLanguages } from "./src/speak/spoken-languages.ts";
console.log(JSON.stringify(spokenLanguages("en").map(({ tag }) => tag)));
"""


def test_every_accent_can_be_chosen_and_none_twice() -> None:
    ran = run_node(
        "--import",
        "./tests/client-source.js",
        "--input-type=module",
        "--eval",
        PRINT_TAGS,
        cwd=PACKAGE,
    )
    assert ran.returncode == 0, ran.stdout
    chosen = [spoken_language(tag) for tag in json.loads(ran.stdout.splitlines()[-1])]
    wanted = [(code, locale) for code, each in LANGUAGES.items() for locale in each.locales]
    assert sorted((each.code, each.locale) for each in chosen) == sorted(wanted)
