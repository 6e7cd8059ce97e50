"""docs/translation-pipeline.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from contract import metrics
from contract.tables import LISTENERS_INDEX
from live_sessions.captions import captioning, history, pages, transcripts
from live_sessions.captions.transcripts import Transcript, read_transcript
from live_sessions.sessions.connections import Listener
from tests.protocol_page import tables

PAGE = (Path(__file__).parents[1] / "docs" / "translation-pipeline.md").read_text()
[EXAMPLE] = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_example_is_a_transcript_and_has_each_of_its_fields() -> None:
    payload = json.loads(EXAMPLE)
    assert json.loads(msgspec.json.encode(read_transcript(payload))) == payload


def test_the_table_has_each_field_with_its_type() -> None:
    [rows] = [rows for heading, _, rows in tables(PAGE) if heading == "The payload"]
    documented = {name.strip("`"): kind for name, kind, _ in rows}
    assert documented == {
        field.encode_name: described(field.type) for field in msgspec.structs.fields(Transcript)
    }


def described(kind: Any) -> str:
    if get_origin(kind) is not Annotated:
        return {int: "integer", str: "string", bool: "boolean"}[kind]
    of, rule = get_args(kind)
    if rule.max_length is None:
        return f"{described(of)} from {rule.ge}"
    if rule.min_length is None:
        return f"{described(of)} of at most {rule.max_length} characters"
    return f"{described(of)} of {rule.min_length} to {rule.max_length} characters"


@pytest.mark.parametrize(
    "said",
    [
        f"| {captioning.LIMITS.translation:g} s | for a translation, with two attempts",
        f"| {captioning.LIMITS.partial_translation:g} s | for a partial one",
        f"| {captioning.LIMITS.posting + pages.POST_TIMEOUT_SECONDS:.1f} s | for the posts",
        f"none is begun after {captioning.LIMITS.posting:g} s",
        f"given up after {pages.POST_TIMEOUT_SECONDS:g} s",
        f"costs the next caption {pages.POST_TIMEOUT_SECONDS:g} seconds",
        f"| {captioning.LIMITS.removing:g} s | in which removals",
        f"{captioning.CACHE_LIMIT_ENTRIES:,} texts and"
        f" {captioning.CACHE_LIMIT_BYTES // 1_000_000} MB",
        f"{captioning.PART_LIMIT_BYTES:,} bytes",
        f"more than {captioning.DIRECT_LISTENERS} listeners",
        f"begun after {captioning.LIMITS.crowd_posting:g} s,",
        f"or {captioning.LIMITS.partial_crowd_posting:g} s for a partial caption",
        f"took more than {pages.PAGE_TIMEOUT_SECONDS} s",
        LISTENERS_INDEX.name,
        *(f"`{field.encode_name}`" for field in msgspec.structs.fields(Listener)),
    ],
)
def test_it_names_the_figures_of_the_code(said: str) -> None:
    assert said.lower() in " ".join(PAGE.split()).lower()


def test_the_attempts_and_the_patience_are_those_of_the_code() -> None:
    assert captioning.TRANSLATION_ATTEMPTS == 2
    assert transcripts.PIPELINE_TIMEOUT_SECONDS == 30


def test_the_metrics_are_those_that_the_code_counts() -> None:
    paragraph = PAGE[PAGE.index("Metrics: ") :]
    sources = [Path(str(module.__file__)).read_text() for module in (captioning, history)]
    emitted = re.findall(r"^ +metrics\.([A-Z_]+):", "".join(sources), re.MULTILINE)
    names = [getattr(metrics, name).name for name in emitted]
    assert names == re.findall(r"`(\w+)`", paragraph)
