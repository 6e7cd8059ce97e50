"""The page offers a reader the language that the service would find for their browser's own."""

from __future__ import annotations

import json

from babel import localedata

from contract.languages import TARGET_LANGUAGES
from live_sessions.wire.language_tags import looked_up
from tests.web.test_unit_tests import PACKAGE, run_node

PRINT_OFFERED = """
import { TARGET_LANGUAGES } from "live-sessions";
import { preferredLanguage } from "./src/languages.ts";
const tags = TAGS;
console.log(JSON.stringify(tags.map((tag) => preferredLanguage([tag], TARGET_LANGUAGES) ?? null)));
"""


def test_the_page_and_the_service_find_the_same_language_for_every_locale() -> None:
    tags = [name.replace("_", "-") for name in localedata.locale_identifiers()]
    assert {"es-AR", "zh-Hant-HK", "nb-NO", "tlh"} - set(tags) == {"tlh"}
    ran = run_node(
        *("--import", "./tests/client-source.js", "--input-type=module-typescript", "--eval"),
        PRINT_OFFERED.replace("TAGS", json.dumps(tags)),
        cwd=PACKAGE,
    )
    assert ran.returncode == 0, ran.stdout
    offered = dict(zip(tags, json.loads(ran.stdout), strict=True))
    assert offered == {tag: looked_up(tag, TARGET_LANGUAGES) for tag in tags}
