"""The schemas of messages and frames say what the service reads and sends, no more and no less."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest

from live_sessions.wire.frames import Frame
from live_sessions.wire.messages import MESSAGES, ClientMessage
from operations.protocol.protocol import (
    LANGUAGE_TAGS,
    SCHEMAS,
    Message,
    Protocol,
    ServerFrame,
    frame_kinds,
    message_type,
    protocol,
    tag_of,
)
from tests.operations.protocol.conftest import Problems
from tests.operations.protocol.samples import beside, sample
from tests.protocol_facts import answers, sent_frames
from tests.protocol_page import PAGE, Step, example

EXAMPLE = [step for step in example(PAGE.read_text()) if step.sent or step.received]
OF_THE_ENVELOPE = {"action", "requestId"}
"""The fields of a message that are checked before its type."""


def is_read(message: Message, fields: dict[str, Any]) -> bool:
    kind = message_type(message.action.name, message.roles[0])
    try:
        msgspec.convert(fields, kind)
    except msgspec.ValidationError:
        return False
    return True


def kind_of(frame: ServerFrame) -> type[Frame]:
    (kind,) = (each for each in frame_kinds() if tag_of(each) == frame.type)
    return kind


def encoded(frame: ServerFrame, value: Any) -> dict[str, Any]:
    """The value as the service sends it."""
    return json.loads(msgspec.json.encode(msgspec.convert(value, kind_of(frame))))


def test_each_message_is_of_the_type_that_its_function_reads() -> None:
    read = {
        (action, role): answer.message
        for action, by_role in answers().items()
        for role, answer in by_role.items()
    }
    with_fields = {sent: kind for sent, kind in read.items() if kind is not ClientMessage}
    assert with_fields == MESSAGES, "MESSAGES (wire/messages.py) lists those that have fields"


def test_the_frames_are_those_that_actions_lead_to(made: Protocol) -> None:
    assert {each.type for each in made.frames} == {tag_of(each) for each in sent_frames()}


@pytest.mark.parametrize("message", protocol().messages, ids=lambda each: each.name)
def test_a_schema_allows_the_messages_that_are_read_and_refuses_the_others(
    made: Protocol, problems: Problems, message: Message
) -> None:
    whole = sample(message.schema, made.schemas)
    assert is_read(message, whole)
    changed = [
        {**whole, name: value}
        for name, schema in message.schema["properties"].items()
        for value in beside(schema)
        if name not in OF_THE_ENVELOPE
    ]
    lacking = [
        {name: value for name, value in whole.items() if name != left_out}
        for left_out in whole.keys() - OF_THE_ENVELOPE
    ]
    for fields in (whole, {**whole, "another": 1}, *lacking, *changed):
        assert (problems(message.name, fields) == []) == is_read(message, fields), fields


@pytest.mark.parametrize("message", protocol().messages, ids=lambda each: each.name)
def test_a_message_has_its_action_and_a_request_id_of_limited_length(
    made: Protocol, problems: Problems, message: Message
) -> None:
    whole = sample(message.schema, made.schemas)
    assert problems(message.name, whole) == []
    assert problems(message.name, {**whole, "action": "sing"})
    assert problems(message.name, {**whole, "requestId": "a" * 64}) == []
    assert problems(message.name, {**whole, "requestId": "a" * 65})
    del whole["action"]
    assert problems(message.name, whole)


@pytest.mark.parametrize("frame", protocol().frames, ids=lambda each: each.name)
def test_a_frame_that_is_sent_has_the_fields_that_are_required_and_may_have_the_others(
    made: Protocol, problems: Problems, frame: ServerFrame
) -> None:
    for only_required in (True, False):
        value = sample(frame.schema, made.schemas, only_required=only_required)
        sent = encoded(frame, value)
        assert sent == value
        assert problems(frame.name, sent) == []
        for name in sent:
            lacking = {each: sent[each] for each in sent if each != name}
            is_required = name in frame.schema["required"]
            assert bool(problems(frame.name, lacking)) == is_required, name


def test_what_has_a_default_but_is_always_sent_is_required(made: Protocol) -> None:
    state = made.shared["BroadcastState"]
    assert state["required"] == list(state["properties"])
    assert "default" not in str(state)


def test_what_is_left_out_is_never_null(made: Protocol, problems: Problems) -> None:
    error = sample(made.frame("error").schema, made.schemas)
    for name in ("requestId", "details"):
        assert problems("ErrorFrame", {**error, name: None})


@pytest.mark.parametrize("step", EXAMPLE, ids=lambda each: str(each.sent or each.received)[:50])
def test_the_schemas_allow_each_step_of_the_pages_example(
    made: Protocol, problems: Problems, step: Step
) -> None:
    if step.received is not None:
        assert problems(made.frame(step.received["type"]).name, step.received) == []
        return
    assert step.sent is not None
    of_action = [each for each in made.messages if each.action.name == step.sent["action"]]
    role = step.client.partition(" ")[0]
    # The page also shows the error that a listener receives for a speaker's message.
    of_role = [each for each in of_action if role in each.roles] or of_action
    assert [problems(each.name, step.sent) for each in of_role] == [[]]


def test_languages_in_frames_are_those_of_the_contract(made: Protocol, problems: Problems) -> None:
    for each in made.frames:
        for name in each.schema["properties"].keys() & LANGUAGE_TAGS:
            assert "Language" in each.schema["properties"][name]["$ref"], (each.name, name)
    joined = sample(made.frame("sessionJoined").schema, made.schemas)
    assert problems("SessionJoined", {**joined, "targetLanguage": "tlh"})
    status = sample(made.frame("sessionStatus").schema, made.schemas)
    assert problems("SessionStatus", {**status, "languageDistribution": {"tlh": 1}})
    assert problems("SessionStatus", {**status, "languageDistribution": {"es": 0}})
    assert problems("SessionStatus", {**status, "languageDistribution": {}}) == []


def test_a_frame_has_the_values_of_the_messages_field_of_the_same_name(
    made: Protocol, problems: Problems
) -> None:
    created = sample(made.frame("sessionCreated").schema, made.schemas)
    assert problems("SessionCreated", {**created, "qualityTier": "gold"})
    assert problems("SessionCreated", {**created, "sampleRateHertz": 7_999})
    assert problems("BroadcastState", {**created, "volume": 2})


def test_an_object_whose_fields_are_all_optional_must_not_be_empty_if_it_is_refused_then(
    made: Protocol, problems: Problems
) -> None:
    assert problems("SpeakerStateChange", {"action": "speakerStateChange", "state": {}})
    assert made.shared["StateChange"]["minProperties"] == 1


def test_descriptions_have_the_names_and_booleans_of_the_wire(made: Protocol) -> None:
    described = [each.get("description", "") for each in made.schemas.values()]
    assert any("`lastStateChange`" in each for each in described)
    assert not any("`last_state_change`" in each or "\n  " in each for each in described)
    assert "`translated` is false if" in made.frame("caption").schema["description"]


def test_every_reference_leads_to_a_schema(made: Protocol) -> None:
    text = json.dumps(made.schemas)
    referred = {each.partition('"')[0] for each in text.split(SCHEMAS)[1:]}
    assert referred
    assert referred <= made.schemas.keys()


def test_two_things_of_one_name_are_refused(made: Protocol) -> None:
    first, *others = made.frames
    renamed = dataclasses.replace(first, name="Caption")
    twice = dataclasses.replace(made, frames=(renamed, *others))
    with pytest.raises(ValueError, match="two things named Caption: rename one"):
        _ = twice.schemas
