"""The protocol as the code defines it, in the wording of docs/protocol.md."""

import ast
import importlib
import json
from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

import tests.handlers.environment  # noqa: F401 - before the functions' code

# isort: split
from contract.actions import ACTIONS
from contract.languages import LANGUAGES, SOURCE_LANGUAGES, TARGET_LANGUAGES
from live_sessions.wire import frames
from live_sessions.wire.frames import BroadcastState, EndReason, ErrorFrame, Frame, UpdateReason
from live_sessions.wire.messages import REQUEST_ID_LIMIT_CHARACTERS
from live_sessions.wire.refusals import ErrorCode
from live_sessions.wire.requests import Answers, MessageHandler

HANDLERS = Path(__file__).parents[1] / "handlers"

TYPE_NAMES: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    BroadcastState: "broadcast state",
    EndReason: "end reason",
    UpdateReason: "update reason",
    ErrorCode: "error code",
}
ENUMERATIONS: dict[str, type[StrEnum]] = {"updateReason": UpdateReason, "reason": EndReason}


def code_facts(config: dict[str, Any]) -> set[str]:
    """Returns the facts of the protocol; `config` has declarations of Pulumi.yaml by key."""
    facts = {
        "message: `action` | string | yes",
        f"message: `requestId` | string of at most {REQUEST_ID_LIMIT_CHARACTERS} characters | no",
        "frame: type is string",
    }
    for name, action in ACTIONS.items():
        facts.add(f"{name} is answered by {action.reply or 'none'}")
        facts.update(f"{name} sends to the sender: {frame}" for frame in action.posts)
        if action.to_listeners:
            facts.add(f"{name} sends to each listener: {action.to_listeners}")
        if action.to_speaker:
            facts.add(f"{name} sends to the speaker: {action.to_speaker}")
        facts.update(f"{name} is for the {role}" for role in action.roles)
        for role, answer in answers()[name].items():
            fields = message_fields(answer.message)
            facts.update(f"{name} of a {role}: {field}" for field in fields)
    facts.update(f"frame: {field}" for field in frame_fields(Frame))
    common = frame_fields(Frame)
    for frame in sent_frames():
        facts.update(f"{tag(frame)}: {field}" for field in frame_fields(frame) - common)
    facts.update(f"broadcastState: {field}" for field in frame_fields(BroadcastState))
    facts.update(f"{name} {value}" for name, values in ENUMERATIONS.items() for value in values)
    facts.update(f"code {code}" for code in ErrorCode)
    facts.update(error_details())
    for code in SOURCE_LANGUAGES:
        accents = ", ".join(f"`{locale}`" for locale in LANGUAGES[code].locales)
        facts.add(f"Source language `{code}` | {accents}")
    facts.update(f"Target language {code}" for code in TARGET_LANGUAGES)
    return facts | {f"config {key} is {declared['default']}" for key, declared in config.items()}


@cache
def answers() -> Answers:
    """Returns how each action is answered, by role, from the entry modules."""
    found: dict[str, Any] = {}
    for entry in {action.function for action in ACTIONS.values()}:
        handler = importlib.import_module(entry).handler
        assert isinstance(handler, MessageHandler)
        found |= handler.answers
    return found


def sent_frames() -> set[type[Frame]]:
    """Returns the types of all frames that the service sends."""
    by_type = {
        tag(each): each
        for each in vars(frames).values()
        if isinstance(each, type) and issubclass(each, Frame)
    }
    sent = {
        by_type[name]
        for action in ACTIONS.values()
        for name in (action.reply, *action.posts, action.to_listeners, action.to_speaker)
        if name
    }
    return {*sent, ErrorFrame}


def tag(frame: type[Frame]) -> str:
    """Returns the value of the frame's `type` field."""
    return str(frame.__struct_config__.tag)


def frame_fields(struct: type[msgspec.Struct]) -> set[str]:
    return {
        f"{field.encode_name} is {described(field.type)}"
        for field in msgspec.structs.fields(struct)
    }


def message_fields(struct: type[msgspec.Struct], within: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        required = "yes" if field.required else "no"
        if isinstance(field.default, bool):
            required = f"no: `{json.dumps(field.default)}`"
        elif isinstance(field.default, str | int):
            required = f"no: `{field.default}`"
        name = f"{within}{field.encode_name}"
        yield f"`{name}` | {described(field.type)} | {required}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from message_fields(field.type, f"{name}.")


def described(kind: Any) -> str:
    """Words a field's type as the page does, such as `string of 1 to 64 characters`."""
    if kind in TYPE_NAMES:
        return TYPE_NAMES[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        [one] = [each for each in arguments if each not in (type(None), msgspec.UnsetType)]
        left_out = ", or left out" if type(None) in arguments else ""
        return described(one) + left_out
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is Annotated:
        return described(arguments[0]) + bounds(arguments[1])
    if origin is list:
        return f"array of {described(arguments[0])}s"
    if origin is dict:
        return f"object of {described(arguments[1])}s"
    return "object"


def bounds(meta: msgspec.Meta) -> str:
    if meta.max_length is not None:
        return f" of {meta.min_length} to {meta.max_length} characters"
    return f" from {meta.ge} to {meta.le}"


@cache
def error_details() -> set[str]:
    """Finds the codes that the handlers raise with details, and all keys of those details."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for path in HANDLERS.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for code in codes_with_details_in(function):
                    keys[code].update(keys_in(function))
    return {f"details of {code}: {sorted(found)}" for code, found in keys.items()}


def codes_with_details_in(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="ProtocolError"), args=[ast.Attribute(attr=code), _, _]):
                yield code


def keys_in(function: ast.FunctionDef) -> Iterator[str]:
    """Yields the keys of the dictionaries in a function."""
    for node in ast.walk(function):
        match node:
            case ast.Dict(keys=keys):
                constants = (key.value for key in keys if isinstance(key, ast.Constant))
                yield from (value for value in constants if isinstance(value, str))
            case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Store()):
                yield key
