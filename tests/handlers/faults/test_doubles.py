"""The doubles behave as what they stand for: DynamoDB's as moto, the clients' as botocore's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.retries.quota import RetryQuota
from moto.core.botocore_stubber import MockRawResponse

from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import AwsEnvironment, read_environment
from tests.handlers.checked_dynamodb import CheckedDynamoDB, Different, essence
from tests.handlers.conftest import ENVIRONMENT, Stage
from tests.handlers.direct_moto import Reply, carry_out
from tests.handlers.faults.direct_client import DirectClient
from tests.handlers.faults.dynamodb import DynamoDB, Item, Unsupported
from tests.handlers.faults.scenarios import ENTRIES, SCENARIOS
from tests.handlers.properties.world import World, without_logs

# ---- DynamoDB


class ComparedDynamoDB(DynamoDB):
    """Lets moto carry out each call, too."""

    def __init__(self) -> None:
        super().__init__()
        self.differences: list[str] = []

    def carry_out(self, operation: str, request: Mapping[str, Any]) -> Reply:
        here, there = super().carry_out(operation, request), carry_out(operation, request)
        if essence(here) != essence(there):
            self.differences.append(f"{operation} {request}: {here}, but moto: {there}")
        return here


@pytest.fixture
def compared(stage: Stage) -> Iterator[World]:
    with without_logs():
        world = World(stage, lag=False, dynamodb=ComparedDynamoDB())
        yield world
        world.interleaver.kill_all()


@pytest.mark.parametrize(("function", "scenario"), ENTRIES)
def test_each_call_of_a_scenario_gets_the_reply_that_moto_gives(
    compared: World, function: str, scenario: str
) -> None:
    compared.finish(SCENARIOS[function][scenario](compared)())
    assert isinstance(compared.line.dynamodb, ComparedDynamoDB)
    assert compared.line.dynamodb.differences == []


def _row(number: int, language: str = "es") -> dict[str, Any]:
    return {
        "connectionId": {"S": f"listener-{number}"},
        "sessionId": {"S": "session-1"},
        "targetLanguage": {"S": language},
        "ttl": {"N": "7"},
        "counts": {"M": {"es": {"N": "2"}}},
    }


ROWS = [("PutItem", {"Item": _row(number, "fr" if number == 2 else "es")}) for number in range(5)]
LISTENER: dict[str, Any] = {"Key": {"connectionId": {"S": "listener-1"}}}
STRANGER: dict[str, Any] = {"Key": {"connectionId": {"S": "stranger"}}}
VALUES: dict[str, Any] = {":one": {"N": "1"}, ":es": {"S": "es"}}
PAGES = {
    "IndexName": "sessionId-targetLanguage-index",
    "KeyConditionExpression": "sessionId = :session",
    "ExpressionAttributeValues": {":session": {"S": "session-1"}},
    "Limit": 2,
}


def _update(expression: str, condition: str, key: dict[str, Any] = LISTENER) -> dict[str, Any]:
    used = {name: VALUES[name] for name in VALUES if name in expression + condition}
    return {
        **key,
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": used,
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _transaction(*writes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    named = [{kind: {"TableName": "connections", **write}} for kind, write in writes]
    return {"TransactItems": named, "ClientRequestToken": "token"}


DELETION = {
    **LISTENER,
    "ConditionExpression": "targetLanguage = :es",
    "ExpressionAttributeValues": {":es": {"S": "es"}},
}
CALLS: Sequence[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"Item": _row(1), "ConditionExpression": "attribute_not_exists(connectionId)"}),
    ("UpdateItem", _update("SET ttl2 = :one", "targetLanguage <> :es")),
    ("UpdateItem", _update("SET ttl2 = :one", "absent <> :es")),
    ("UpdateItem", _update("SET ttl2 = :one", "NOT (targetLanguage = :es AND absent = :es)")),
    ("UpdateItem", _update("SET ttl2 = :one", "targetLanguage = :one OR absent < :one")),
    ("UpdateItem", _update("SET counts.es = counts.es - :one REMOVE sessionId", "ttl2 >= :one")),
    ("UpdateItem", _update("SET n = if_not_exists(n, :one) + :one, s = :es", "ttl2 <= :one")),
    ("UpdateItem", _update("ADD hits :one SET s = :es", "ttl2 <= :one")),
    ("UpdateItem", _update("ADD hits :one, counts.es :one", "hits = :one")),
    ("UpdateItem", _update("REMOVE absent, s", "attribute_exists(counts.es) AND s = :es")),
    ("UpdateItem", _update("SET n = :one", "attribute_exists(connectionId)", STRANGER)),
    ("UpdateItem", _update("SET n = :one", "attribute_not_exists(connectionId)", STRANGER)),
    ("TransactWriteItems", _transaction(("Delete", DELETION), ("Delete", {**STRANGER}))),
    (
        "TransactWriteItems",
        _transaction(("Delete", DELETION), ("Put", {"Item": _row(6)})),
    ),
    (
        "TransactWriteItems",
        _transaction(
            ("Put", {"Item": _row(7)}),
            ("Delete", {**STRANGER, "ConditionExpression": "attribute_exists(connectionId)"}),
        ),
    ),
    ("DeleteItem", {**LISTENER, "ReturnValues": "ALL_OLD"}),
    ("DeleteItem", {**LISTENER, "ReturnValues": "ALL_OLD"}),
    ("DeleteItem", {**LISTENER, "ConditionExpression": "attribute_exists(connectionId)"}),
    ("GetItem", {**LISTENER, "ConsistentRead": True}),
    ("Scan", {}),
]


def test_refusals_updates_and_transactions_are_those_of_moto(stage: Stage) -> None:
    dynamodb = ComparedDynamoDB()
    for operation, request in [*ROWS, *CALLS]:
        table = {} if operation == "TransactWriteItems" else {"TableName": "connections"}
        dynamodb.carry_out(operation, table | request)
    assert dynamodb.differences == []


def test_an_index_is_read_in_pages_as_from_moto(stage: Stage) -> None:
    dynamodb = ComparedDynamoDB()
    for operation, request in ROWS:
        dynamodb.carry_out(operation, {"TableName": "connections", **request})
    client: Any = DirectClient("dynamodb", 1, lambda _, *call: dynamodb.carry_out(*call[:2]))
    pages = list(client.get_paginator("query").paginate(TableName="connections", **PAGES))
    assert [len(page["Items"]) for page in pages] == [2, 2, 1]
    assert dynamodb.differences == []


@pytest.mark.parametrize("condition", ["size(a) > :one", "a IN (:one)", "begins_with(a, :one)"])
def test_an_expression_that_is_not_understood_ends_the_test(condition: str) -> None:
    request = {"TableName": "connections", **_update("SET a = :one", condition)}
    with pytest.raises(Unsupported):
        DynamoDB().carry_out("UpdateItem", request)


class WrongDynamoDB(CheckedDynamoDB):
    """Writes an attribute too many."""

    def _written(self, before: Item | None, request: Mapping[str, Any]) -> Item | None:
        return {**(super()._written(before, request) or {}), "stray": {"S": "es"}}


def test_a_row_that_moto_writes_otherwise_ends_the_test(stage: Stage) -> None:
    request = {"TableName": "connections", **LISTENER, "UpdateExpression": "REMOVE wrong_row"}
    with pytest.raises(Different, match="stray"):
        WrongDynamoDB().carry_out("UpdateItem", request)


def test_a_request_that_moto_refuses_ends_the_test(stage: Stage) -> None:
    unused = _update("SET a = :one", "s = :es") | {"ConditionExpression": "a = :one"}
    assert DynamoDB().carry_out("UpdateItem", {"TableName": "connections", **unused})
    with pytest.raises(Different, match="ValidationException"):
        CheckedDynamoDB().carry_out("UpdateItem", {"TableName": "connections", **unused})


def test_moto_carries_out_the_first_call_of_each_kind_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def carry_out_there(operation: str, request: Mapping[str, Any]) -> Reply:
        asked.append(operation)
        return carry_out(operation, request)

    monkeypatch.setattr("tests.handlers.direct_moto.carry_out", carry_out_there)
    dynamodb = CheckedDynamoDB()

    def change(key: str, **options: str) -> None:
        one = {"Key": {"connectionId": {"S": key}}}
        request = _update("SET of_a_new_kind = :one", "s = :es", one)
        dynamodb.carry_out("UpdateItem", {"TableName": "connections", **request, **options})

    for key in ("one", "two", "one"):
        change(key)
    assert asked.count("UpdateItem") == 1
    change("one", ReturnValues="NONE")
    assert asked.count("UpdateItem") == 2


# ---- the clients

LOST = "no response"
DONE = Reply(200, {})
SCRIPTS: Mapping[str, Sequence[Reply | str]] = {
    "done": [DONE],
    "throttled once": [Reply(400, {"Error": {"Code": "ThrottlingException"}}), DONE],
    "throttled": [Reply(400, {"Error": {"Code": "ThrottlingException"}})],
    "broken once": [Reply(500, {"Error": {"Code": "InternalServerError"}}), DONE],
    "broken": [Reply(500, {"Error": {"Code": "InternalServerError"}})],
    "denied": [Reply(400, {"Error": {"Code": "AccessDeniedException"}})],
    "lost once": [LOST, DONE],
    "lost": [LOST],
    "condition failed": [Reply(400, {"Error": {"Code": "ConditionalCheckFailedException"}})],
    "lost, then condition failed": [
        LOST,
        Reply(400, {"Error": {"Code": "ConditionalCheckFailedException"}}),
    ],
    "transaction in conflict": [Reply(400, {"Error": {"Code": "TransactionConflictException"}})],
}
"""What happens to one attempt after another; the last one repeats."""


class Script:
    """Replies to attempts as written, to botocore or to its double."""

    def __init__(self, replies: Sequence[Reply | str]) -> None:
        self._replies = list(replies)
        self.attempts = 0

    def send(self, *_: Any) -> Reply:
        """For the double."""
        reply = self._replies[min(self.attempts, len(self._replies) - 1)]
        self.attempts += 1
        if isinstance(reply, str):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return reply

    def respond(self, request: Any, **_: Any) -> AWSResponse:
        """For botocore's event before-send."""
        status, content = self.send()
        if "Error" in content:
            content = {"__type": f"com.amazonaws#{content['Error']['Code']}"}
        return AWSResponse(request.url, status, {}, MockRawResponse(json.dumps(content)))  # pyright: ignore[reportArgumentType]


def _result(client: Any) -> Any:
    """The kind of a call's result: its exception or its retries."""
    try:
        response = client.delete_item(TableName="connections", **LISTENER)
    except ClientError as failure:
        metadata: Any = failure.response.get("ResponseMetadata")
        return type(failure).__name__, metadata["HTTPStatusCode"], metadata["RetryAttempts"]
    except BotoCoreError as failure:
        return type(failure).__name__
    return response["ResponseMetadata"]["RetryAttempts"]


@pytest.fixture(scope="module")
def clients() -> Clients:
    return Clients(read_environment(AwsEnvironment, ENVIRONMENT))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_client_tries_again_and_fails_as_botocore_s_own(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, script: str, attempts: int
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr(RetryQuota, "acquire", lambda *_, **__: True)
    direct, botocore = Script(SCRIPTS[script]), Script(SCRIPTS[script])
    client: Any = clients.dynamodb(attempts=attempts)
    event = "before-send.dynamodb"
    client.meta.events.register_first(event, botocore.respond)
    try:
        expected = _result(client)
    finally:
        client.meta.events.unregister(event, botocore.respond)
    assert _result(DirectClient("dynamodb", attempts, direct.send)) == expected
    assert direct.attempts == botocore.attempts
