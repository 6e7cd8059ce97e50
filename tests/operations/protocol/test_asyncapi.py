"""The AsyncAPI document is valid, and says of each action what the contract says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from contract.actions import ACTIONS, Role
from contract.handshake import SUBPROTOCOL
from operations.protocol.asyncapi import asyncapi, document
from operations.protocol.protocol import Protocol

# AsyncAPI's own, from version 6.11.1 of its package @asyncapi/specs, with the licence beside it.
ASYNCAPI_SCHEMA = Path(__file__).with_name("asyncapi_schema") / "3.0.0.json"


@pytest.fixture(scope="module")
def described(made: Protocol) -> dict[str, Any]:
    return document(made)


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text()))


def test_the_document_is_valid(described: dict[str, Any], validator: Draft7Validator) -> None:
    assert [error.message for error in validator.iter_errors(described)] == []


def without_an_action(changed: dict[str, Any]) -> None:
    del changed["operations"]["createSession"]["action"]


def with_a_message_inside_an_operation(changed: dict[str, Any]) -> None:
    changed["operations"]["createSession"]["messages"] = [{"name": "createSession"}]


def with_an_unknown_field(changed: dict[str, Any]) -> None:
    changed["channels"]["stage"]["adress"] = "/"


def with_a_schema_of_no_known_type(changed: dict[str, Any]) -> None:
    changed["components"]["schemas"]["Caption"]["type"] = "record"


def of_an_older_version(changed: dict[str, Any]) -> None:
    changed["asyncapi"] = "2.6.0"


@pytest.mark.parametrize(
    "change",
    [
        without_an_action,
        with_a_message_inside_an_operation,
        with_an_unknown_field,
        with_a_schema_of_no_known_type,
        of_an_older_version,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_not_valid_is_noticed(
    described: dict[str, Any],
    validator: Draft7Validator,
    change: Callable[[dict[str, Any]], None],
) -> None:
    changed = copy.deepcopy(described)
    change(changed)
    assert not validator.is_valid(changed)


def test_the_text_is_the_document_though_yaml_takes_some_languages_for_booleans(
    made: Protocol, described: dict[str, Any]
) -> None:
    assert yaml.safe_load(asyncapi(made)) == described
    assert "no" in described["components"]["schemas"]["TargetLanguage"]["enum"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def target(described: dict[str, Any], reference: str) -> Any:
    place: Any = described
    for key in reference.removeprefix("#/").split("/"):
        place = place[key]
    return place


def test_every_reference_leads_to_something_in_the_document(described: dict[str, Any]) -> None:
    found = set(references(described))
    assert found
    for reference in found:
        assert target(described, reference)


def names(described: dict[str, Any], messages: list[dict[str, str]]) -> list[str]:
    """The wire's names of what an operation refers to in its channel."""
    return [target(described, target(described, each["$ref"])["$ref"])["name"] for each in messages]


def test_each_message_is_received_by_one_operation_and_answered_as_the_contract_says(
    made: Protocol, described: dict[str, Any]
) -> None:
    received = [each for each in described["operations"].values() if each["action"] == "receive"]
    assert len(received) == len(made.messages)
    for operation in received:
        # AsyncAPI: a message is valid against exactly one of the operation's.
        (name,) = names(described, operation["messages"])
        reply = ACTIONS[name].reply
        expected = [*([reply] if reply else []), "error"]
        assert names(described, operation["reply"]["messages"]) == expected
        roles = {each["name"] for each in operation["tags"]}
        assert roles <= set(ACTIONS[name].roles)
        assert ("security" in operation) == (roles == {Role.SPEAKER})
    by_role = {
        (names(described, each["messages"])[0], tag["name"])
        for each in received
        for tag in each["tags"]
    }
    assert by_role == {(name, role) for name, each in ACTIONS.items() for role in each.roles}


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        ("sendToSender", {name for each in ACTIONS.values() for name in each.posts}),
        ("sendToListeners", {each.to_listeners for each in ACTIONS.values()} - {None}),
        ("sendToSpeaker", {each.to_speaker for each in ACTIONS.values()} - {None}),
    ],
)
def test_what_is_sent_unasked_is_what_the_contract_says(
    described: dict[str, Any], operation: str, sent: set[str]
) -> None:
    found = names(described, described["operations"][operation]["messages"])
    assert sorted(found) == sorted(sent)
    assert described["operations"][operation]["action"] == "send"


def test_each_message_and_frame_is_in_the_channel(
    made: Protocol, described: dict[str, Any]
) -> None:
    everything = {each.name for each in (*made.messages, *made.frames)}
    assert described["channels"]["stage"]["messages"].keys() == everything
    assert described["components"]["messages"].keys() == everything


def test_the_address_is_that_of_a_stage_without_a_slash_at_its_end(
    described: dict[str, Any],
) -> None:
    server, channel = described["servers"]["aws"], described["channels"]["stage"]
    url = f"{server['protocol']}://{server['host']}{server.get('pathname', '')}{channel['address']}"
    for name in (*server["variables"], *channel["parameters"]):
        url = url.replace(f"{{{name}}}", name)
    assert url == "wss://api.execute-api.region.amazonaws.com/stage"


def test_the_version_is_that_of_the_subprotocol(described: dict[str, Any]) -> None:
    assert f"live-sessions.v{described['info']['version']}" == SUBPROTOCOL
