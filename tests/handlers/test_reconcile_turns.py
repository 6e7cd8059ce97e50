"""Each firing of reconcile's rule gives every shard with sessions a turn, and none is starved."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from contract.tables import ACTIVE_SESSIONS_INDEX, LISTENERS_INDEX
from live_sessions.aws.dynamodb import typed
from live_sessions.aws.runtime import Clock
from live_sessions.sessions.rows import shard_of
from tests.handlers.conftest import LambdaContext, OpenSockets, Stage
from tests.handlers.direct_moto import Reply
from tests.handlers.faults.dynamodb import DynamoDB
from tests.handlers.faults.line import Attempt, InlineExecutor, Line
from tests.handlers.intercepted_clients import THROTTLED, Call, intercepted
from tests.handlers.test_reconcile import live_session, reconcile, settle

START_MS = 1_800_000_000_000


def fire(stage: Stage) -> list[int]:
    """The rule fires: the shards that have a turn."""
    stage.entries["reconcile"]({}, LambdaContext(180_000))
    return sorted(turn["shard"] for turn in stage.queued("reconcile-shards"))


def turn_of(stage: Stage, shard: int) -> None:
    body = json.dumps({"shard": shard})
    stage.entries["reconcile"]({"Records": [{"body": body}]}, LambdaContext(180_000))


def test_every_shard_that_lists_a_session_has_a_turn_and_no_other(stage: Stage) -> None:
    assert fire(stage) == []
    shards = {stage.session(live_session(stage))["activeShard"] for _ in range(5)}
    beyond = live_session(stage)
    stage.change("sessions", {"sessionId": beyond}, activeShard=63)
    assert fire(stage) == sorted({*shards, 63}), "also one that config does not use any more"


def test_an_ended_session_that_is_not_closed_gives_its_shard_a_turn(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    stage.send(speaker, "endSession")
    assert fire(stage) == [stage.session(session_id)["activeShard"]]


def test_a_shard_that_cannot_be_read_has_a_turn_and_no_totals_are_reported(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    live_session(stage, "es")

    def fail_one_shard(call: Call) -> Any:
        if call.request["ExpressionAttributeValues"] == {":shard": {"N": "17"}}:
            raise THROTTLED
        return call.carry_out()

    capsys.readouterr()
    with clients.intercept("query", fail_one_shard, TableName="sessions"):
        assert 17 in fire(stage)
    assert "ActiveSessions" not in capsys.readouterr().out
    fire(stage)
    assert "ActiveSessions" in capsys.readouterr().out


def test_a_turn_looks_after_the_sessions_of_its_shard_alone(stage: Stage) -> None:
    sessions = [live_session(stage, "es") for _ in range(6)]
    for session_id in sessions:
        settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    shard = stage.session(sessions[0])["activeShard"]
    turn_of(stage, shard)
    for session_id in sessions:
        row = stage.session(session_id)
        assert row["listenerCount"] == (1 if row["activeShard"] == shard else 0)


def test_shards_that_the_queue_refuses_are_reported(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    live_session(stage)

    def refuse(call: Call) -> Any:
        return {"Failed": [{"Id": entry["Id"]} for entry in call.request["Entries"]]}

    capsys.readouterr()
    with clients.intercept("send_message_batch", refuse):
        assert fire(stage) == []
    assert '"SessionsNotReconciled":[1.0]' in capsys.readouterr().out.replace(" ", "")


# ---- What does not fit into a turn


def test_what_is_left_to_the_next_turn_differs_each_time_so_that_no_session_starves(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """A turn has time for a third of the sessions."""
    random.seed(7)
    seconds = [0.0]

    def monotonic() -> float:
        seconds[0] += 12
        return seconds[0]

    stage.environment["STATUS_SHARDS"] = "1"
    session_ids = [live_session(stage, "es") for _ in range(24)]
    for session_id in session_ids:
        settle(stage, session_id, listenerCount=0, listenersByLanguage={})
    stage.clock = Clock(monotonic=monotonic, sleep=lambda seconds: None)
    stage.clients.threads = InlineExecutor
    done_after: list[int] = []
    for _ in range(30):
        capsys.readouterr()
        reconcile(stage)
        done_after.append(sum(stage.session(each)["listenerCount"] for each in session_ids))
    assert 4 <= done_after[0] <= 12, "a turn ends in time"
    assert done_after[-1] == 24
    assert '"SessionsNotReconciled":[' in capsys.readouterr().out.replace(" ", "")


# ---- Ten thousand


SESSIONS, CUT, SHARDS = 10_000, 1_000, 16


def has_cut(number: int) -> bool:
    """Whether the session also has a listener who was cut off."""
    return number % 10 == 0


def row_of_session(number: int) -> dict[str, Any]:
    session_id = f"session-{number}"
    return {
        "sessionId": session_id,
        "speakerConnectionId": f"speaker-{number}",
        "sourceLanguage": "en",
        "createdAt": START_MS,
        "expiresAt": START_MS // 1000 + 28_800,
        "broadcastState": {
            "isActive": True,
            "isPaused": False,
            "isMuted": False,
            "volume": 1.0,
            "version": 1,
            "lastStateChange": START_MS,
        },
        "listenerCount": 1 + has_cut(number),
        "listenersByLanguage": {"es": 1 + has_cut(number)},
        "statusBaseline": 2,
        "membershipVersion": 2,
        "membershipChangedAt": START_MS,
        "activeShard": shard_of(session_id, SHARDS),
    }


def row_of_member(number: int, role: str, heard_at: int) -> dict[str, Any]:
    row = {
        "connectionId": f"{role}-{number}",
        "role": "speaker" if role == "speaker" else "listener",
        "sessionId": f"session-{number}",
        "membershipId": f"{role}-{number}",
        "connectedAt": START_MS,
        "ttl": START_MS // 1000 + 7_800,
        "lastHeardAt": heard_at,
    }
    return row if role == "speaker" else row | {"targetLanguage": "es"}


class Indexed:
    """Counts the calls. A query of listeners reads two keys, where the fake's reads the table."""

    def __init__(self, dynamodb: DynamoDB) -> None:
        self.calls: Counter[str] = Counter()
        self._members = dynamodb.items["connections"]

    def answer(self, attempt: Attempt) -> Reply:
        self.calls[f"{attempt.call.operation} {attempt.call.subject}"] += 1
        if attempt.call.subject != LISTENERS_INDEX.name:
            return attempt.carry_out()
        session_id = attempt.parameters["ExpressionAttributeValues"][":session"]["S"]
        number = session_id.removeprefix("session-")
        rows = [self._members.get(("S", f"{role}-{number}")) for role in ("alive", "cut")]
        items = [
            {name: row[name] for name in ("connectionId", "sessionId", "targetLanguage", "ttl")}
            for row in rows
            if row is not None
        ]
        return Reply(200, {"Items": items, "Count": len(items)})


def test_ten_thousand_sessions_are_looked_after_in_turns_of_a_few_calls_for_each(
    stage: Stage, sockets: OpenSockets
) -> None:
    """Each has a speaker and a listener that is alive; a tenth has one that was cut off."""
    stage.environment["STATUS_SHARDS"] = str(SHARDS)
    now_ms = START_MS + 600_000
    stage.clock = Clock(now_ms=lambda: now_ms, sleep=lambda seconds: None)
    line = Line(stage, DynamoDB())
    indexed = Indexed(line.dynamodb)
    line.hook = indexed.answer
    numbers = range(SESSIONS)
    line.dynamodb.fill("sessions", (typed(row_of_session(number)) for number in numbers))
    members = [
        row_of_member(number, role, heard_at)
        for number in numbers
        for role, heard_at in (("speaker", now_ms), ("alive", now_ms), ("cut", START_MS))
        if role != "cut" or has_cut(number)
    ]
    line.dynamodb.fill("connections", map(typed, members))
    sockets.open.update(member["connectionId"] for member in members)

    assert fire(stage) == list(range(SHARDS))
    indexed.calls.clear()
    for shard in range(SHARDS):
        turn_of(stage, shard)
    assert len(sockets.open) == 2 * SESSIONS
    assert not any(each.startswith("cut") for each in sockets.open)
    counted = [item["listenerCount"] for item in line.dynamodb.items["sessions"].values()]
    assert counted == [{"N": "1"}] * SESSIONS
    closed = sum(count for call, count in indexed.calls.items() if call.startswith("DELETE"))
    pushed = sum(count for call, count in indexed.calls.items() if call.startswith("POST"))
    assert (closed, pushed) == (CUT, CUT)
    assert {call: count for call, count in indexed.calls.items() if count > 1} == {
        f"Query {ACTIVE_SESSIONS_INDEX.name}": SHARDS,
        "GetItem sessions": SESSIONS,
        "GetItem connections": SESSIONS,
        f"Query {LISTENERS_INDEX.name}": SESSIONS,
        "BatchGetItem connections": SESSIONS,
        "DeleteItem connections": CUT,
        "UpdateItem sessions": 2 * CUT,
    }
