"""docs/translation-pipeline.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from live_sessions.captions import captioning, pipeline, translation_cache
from live_sessions.captions.text_parts import PART_LIMIT_BYTES
from live_sessions.captions.transcript import Transcript, read_transcript
from live_sessions.tables.connection_table import LISTENERS_INDEX, Listener
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
        f"| {captioning.TRANSLATION_LIMIT_SECONDS:g} s | for a translation, with two attempts",
        f"| {captioning.PARTIAL_TRANSLATION_LIMIT_SECONDS:g} s | for a partial one",
        f"| {captioning.POSTING_SECONDS + captioning.POST_TIMEOUT_SECONDS:.1f} s | for the posts",
        f"none is begun after {captioning.POSTING_SECONDS:g} s",
        f"given up after {captioning.POST_TIMEOUT_SECONDS:g} s",
        f"costs the next caption {captioning.POST_TIMEOUT_SECONDS:g} seconds",
        f"| {captioning.REMOVING_SECONDS:g} s | in which removals",
        f"{translation_cache.LIMIT_ENTRIES:,} texts and"
        f" {translation_cache.LIMIT_BYTES // 1_000_000} MB",
        f"{PART_LIMIT_BYTES:,} bytes",
        LISTENERS_INDEX,
        *(f"`{field.encode_name}`" for field in msgspec.structs.fields(Listener)),
    ],
)
def test_it_names_the_figures_of_the_code(said: str) -> None:
    assert said in " ".join(PAGE.split())


def test_the_attempts_and_the_patience_are_those_of_the_code() -> None:
    assert captioning.ATTEMPTS == 2
    assert pipeline.PATIENCE_SECONDS == 30


def test_the_metrics_are_those_that_the_code_counts() -> None:
    paragraph = PAGE[PAGE.index("Metrics: ") :]
    source = Path(captioning.__file__).read_text()
    counted = re.findall(r"^        ([A-Z]\w+)=", source, re.MULTILINE)
    assert counted == re.findall(r"`(\w+)`", paragraph)
