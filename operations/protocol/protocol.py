"""The wire protocol as data: each message and frame with its JSON Schema.

Everything comes from `contract/` and from the types in `live_sessions.wire`, so a new field or a
new frame is in it by itself.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from contract.actions import ACTIONS, Action, Role
from contract.languages import LANGUAGES, SOURCE_LANGUAGES
from live_sessions.wire import frames
from live_sessions.wire.frames import Frame
from live_sessions.wire.messages import MESSAGES, REQUEST_ID_LIMIT_CHARACTERS, ClientMessage

Schema = dict[str, Any]
Struct = type[msgspec.Struct]

SCHEMAS = "#/components/schemas/"
"""What the name of a schema follows in a `$ref`."""

REQUEST_ID: Schema = {"type": "string", "maxLength": REQUEST_ID_LIMIT_CHARACTERS}

LANGUAGE_TAGS = frozenset({"sourceLanguage", "targetLanguage", "language"})
"""Fields in which a message has the client's own tag, and a frame the language that was found."""

LANGUAGE_FIELDS: Mapping[str, Schema] = {
    "sourceLanguage": {"$ref": f"{SCHEMAS}SourceLanguage"},
    "sourceLocale": {"$ref": f"{SCHEMAS}SourceLocale"},
    "targetLanguage": {"$ref": f"{SCHEMAS}TargetLanguage"},
    "language": {"$ref": f"{SCHEMAS}TargetLanguage"},
    "languageDistribution": {
        "type": "object",
        "propertyNames": {"$ref": f"{SCHEMAS}TargetLanguage"},
        "additionalProperties": {"type": "integer", "minimum": 1},
    },
}
"""What a frame has in its fields about languages."""

BOOLEAN = re.compile(r"\b(True|False)\b")
SNAKE_CASE = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
EXACT = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, kw_only=True)
class Message:
    """What clients in `roles` send for an action."""

    name: str
    action: Action
    roles: tuple[Role, ...]
    schema: Schema


@dataclass(frozen=True, kw_only=True)
class ServerFrame:
    """What the service sends; `type` is the value of its field of this name."""

    name: str
    type: str
    schema: Schema


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Messages in the order of the actions, frames in the order of their module.

    `every_message` and `every_frame` have the fields that are in all of them. `shared` has what
    they refer to, by name: languages, enumerations and objects within them.
    """

    messages: tuple[Message, ...]
    frames: tuple[ServerFrame, ...]
    every_message: Schema
    every_frame: Schema
    shared: Mapping[str, Schema]

    def frame(self, frame_type: str) -> ServerFrame:
        """The frame of a type."""
        return next(each for each in self.frames if each.type == frame_type)

    def messages_of(self, role: Role) -> list[Message]:
        """The messages that clients of a role may send."""
        return [each for each in self.messages if role in each.roles]

    @property
    def schemas(self) -> dict[str, Schema]:
        """Every schema by its name; raises ValueError if two have the same one."""
        named = [
            *((each.name, each.schema) for each in (*self.messages, *self.frames)),
            *self.shared.items(),
        ]
        found = dict(named)
        if len(found) != len(named):
            names = [name for name, _ in named]
            twice = {name for name in names if names.count(name) > 1}
            raise ValueError(
                f"The protocol has two things named {', '.join(sorted(twice))}: rename one type."
            )
        return found


@cache
def protocol() -> Protocol:
    """The protocol of this release."""
    kinds = frame_kinds()
    senders = {(action, role) for action in ACTIONS.values() for role in action.roles}
    structs: set[Struct] = {
        Frame,
        *kinds,
        *(message_type(action.name, role) for action, role in senders),
    }
    _, made = msgspec.json.schema_components(
        sorted(structs, key=lambda each: each.__name__), ref_template=SCHEMAS + "{name}"
    )
    in_frames = _objects_within([Frame, *kinds])
    in_messages = _objects_within(structs.difference([Frame, *kinds]))
    words = _wire_names(structs.union(in_frames, in_messages))
    for schema in made.values():
        if "description" in schema:
            schema["description"] = _described(schema["description"], words)
    messages = tuple(_messages(made))
    received = {each.__name__: _received(each, made[each.__name__]) for each in in_messages}
    values = _values_of(*(each.schema for each in messages), *received.values())
    sent = {
        each.__name__: _sent(each, made[each.__name__], values)
        for each in (Frame, *kinds, *in_frames)
    }
    every_frame = sent[Frame.__name__]
    every_frame["properties"].pop("type")
    return Protocol(
        messages=messages,
        frames=tuple(
            ServerFrame(name=kind.__name__, type=tag_of(kind), schema=sent[kind.__name__])
            for kind in kinds
        ),
        every_message={
            "description": "What every message may have; its reply has the same `requestId`.",
            "type": "object",
            "properties": {"requestId": REQUEST_ID},
        },
        every_frame=every_frame,
        shared={
            **_languages(),
            **{name: schema for name, schema in made.items() if "enum" in schema},
            **{each.__name__: sent[each.__name__] for each in in_frames},
            **received,
        },
    )


def frame_kinds() -> list[type[Frame]]:
    """The types of the frames that are sent, without those that others are only made of."""
    return [
        each
        for each in vars(frames).values()
        if isinstance(each, type) and issubclass(each, Frame) and tag_of(each) != each.__name__
    ]


def tag_of(kind: type[Frame]) -> str:
    """The value of a frame's `type`; that of a base is its own name."""
    return str(kind.__struct_config__.tag)


def message_type(action: str, role: Role) -> type[ClientMessage]:
    """The type of the message that clients of a role send for an action."""
    return MESSAGES.get((action, role), ClientMessage)


def _messages(made: Mapping[str, Schema]) -> Iterator[Message]:
    for action in ACTIONS.values():
        kinds: dict[type[ClientMessage], list[Role]] = {}
        for role in action.roles:
            kinds.setdefault(message_type(action.name, role), []).append(role)
        for kind, roles in kinds.items():
            has_fields = kind is not ClientMessage
            schema = made[kind.__name__]
            yield Message(
                name=kind.__name__ if has_fields else action.name[0].upper() + action.name[1:],
                action=action,
                roles=tuple(roles),
                schema={
                    **({"description": schema["description"]} if has_fields else {}),
                    "type": "object",
                    "properties": {
                        "action": {"const": action.name},
                        "requestId": REQUEST_ID,
                        **schema["properties"],
                    },
                    "required": ["action", *schema["required"]],
                },
            )


def _received(kind: Struct, made: Schema) -> Schema:
    """An object within a message; one that is refused when it is empty has at least one field."""
    schema = {key: value for key, value in made.items() if key not in ("title", "required")}
    if made["required"]:
        return {**schema, "required": made["required"]}
    try:
        msgspec.convert({}, kind)
    except msgspec.ValidationError:
        schema["minProperties"] = 1
    return schema


def _sent(kind: Struct, made: Schema, values: Mapping[str, Schema]) -> Schema:
    """What is sent: all fields, but for those that the type leaves out at their default."""
    leaves_out = kind.__struct_config__.omit_defaults
    properties: dict[str, Schema] = {}
    required: list[str] = []
    if kind.__struct_config__.tag_field:
        properties["type"] = {"const": kind.__struct_config__.tag}
        required.append("type")
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        schema = {key: each for key, each in made["properties"][name].items() if key != "default"}
        if leaves_out and not field.required:
            schema = _without_null(schema) if field.default is None else schema
        else:
            required.append(name)
        properties[name] = _with_values(name, schema, values)
    return {
        "description": made["description"],
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _without_null(schema: Schema) -> Schema:
    """Without the null that stands for a field that is left out."""
    choices = [each for each in schema["anyOf"] if each != {"type": "null"}]
    return choices[0] if len(choices) == 1 else {**schema, "anyOf": choices}


def _with_values(name: str, schema: Schema, values: Mapping[str, Schema]) -> Schema:
    """A frame's field, with the values that the languages or a message's field of its name have."""
    if name in LANGUAGE_FIELDS:
        return LANGUAGE_FIELDS[name]
    wanted = values.get(name, {})
    same = schema.keys() == {"type"} and schema["type"] in EXACT
    if same and wanted.get("type", "string") == schema["type"]:
        return wanted or schema
    return schema


def _values_of(*received: Schema) -> dict[str, Schema]:
    """The schemas of fields by name, without those that differ between messages."""
    found: dict[str, list[Schema]] = {}
    for each in received:
        for name, schema in each["properties"].items():
            plain = {key: value for key, value in schema.items() if key != "default"}
            if name not in LANGUAGE_TAGS and plain not in found.setdefault(name, []):
                found[name].append(plain)
    return {name: schemas[0] for name, schemas in found.items() if len(schemas) == 1}


def _languages() -> dict[str, Schema]:
    sources = [code for code in LANGUAGES if code in SOURCE_LANGUAGES]
    locales = {locale for code in sources for locale in LANGUAGES[code].locales}
    return {
        "SourceLanguage": {"description": "A language that is spoken.", "enum": sources},
        "SourceLocale": {
            "description": "A spoken language with its accent.",
            "enum": sorted(locales),
        },
        "TargetLanguage": {"description": "A language of captions.", "enum": list(LANGUAGES)},
    }


def _objects_within(kinds: Iterable[Struct]) -> list[Struct]:
    """The types of the objects within the fields of others, by name."""
    found = {within for kind in kinds for within in _structs_within(kind)}
    return sorted(found, key=lambda each: each.__name__)


def _structs_within(kind: Struct) -> Iterator[Struct]:
    for field in msgspec.structs.fields(kind):
        pending = [msgspec.inspect.type_info(field.type)]
        while pending:
            info = pending.pop()
            if isinstance(info, msgspec.inspect.StructType):
                yield info.cls
                yield from _structs_within(info.cls)
            for part in ("types", "item_types"):
                pending += getattr(info, part, ())
            for part in ("type", "item_type", "value_type"):
                if isinstance(inner := getattr(info, part, None), msgspec.inspect.Type):
                    pending.append(inner)


def _wire_names(structs: set[Struct]) -> dict[str, str]:
    """Fields as they are on the wire, by their names in Python."""
    return {
        field.name: field.encode_name for kind in structs for field in msgspec.structs.fields(kind)
    }


def _described(docstring: str, words: Mapping[str, str]) -> str:
    """A docstring as text, with the fields' names and the booleans as they are on the wire."""
    text = inspect.cleandoc(docstring)
    text = BOOLEAN.sub(lambda found: found[0].lower(), text)
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    return SNAKE_CASE.sub(
        lambda found: f"`{words.get(found[1], found[1])}`", "\n\n".join(paragraphs)
    )
