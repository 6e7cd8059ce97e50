"""API Gateway, Lambda and SQS around the handlers: open sockets, operations and due deliveries."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import connection
import pytest

from contract.functions import ConnectionEnvironment
from live_sessions.aws.runtime import Handler, metrics, read_environment
from live_sessions.sessions.hearing import SILENT_AFTER_MS
from tests.handlers.conftest import ENTRY_OF_ROUTE, QUEUES, Stage
from tests.handlers.direct_moto import Reply
from tests.handlers.faults.dynamodb import DynamoDB
from tests.handlers.faults.line import Attempt, Line
from tests.handlers.properties.clock import START_MS, FrozenClock
from tests.handlers.properties.interleaving import PAUSE, Fate, Interleaver, Operation, Turn
from tests.handlers.properties.records import Context, Due, Record, Socket
from tests.handlers.properties.tables import Change, Tables, written_by

INDEX_LAG_MS = 3_000
"""Longer than indexes lag in practice, shorter than the second pass's delay."""

PAGE_SIZE = 2
"""Listeners per page of a fan-out: a full session has three of them, two pages."""

SEEDS = {"reconcile": 1, "audio_ingest": 5}
"""With these seeds, an invocation tries two shards and three free audio slots in order."""

TIME_LIMITS_MS = {
    "connection": 30_000,
    "disconnect": 30_000,
    "heartbeat": 10_000,
    "refresh": 30_000,
    "session_status": 5_000,
    "fan_out": 60_000,
    "reconcile": 180_000,
    "translation": 30_000,
    "audio_ingest": 10_000,
}

PASSCODE = "482913"
"""Of every session that has one."""
BEATS_EVERY_MS = 60_000

AUDIO_QUEUES = tuple(queue for queue in QUEUES if queue.startswith("audio-"))

RATE_LIMITS = "rate-limits"
"""No client exceeds a limit here, so the rows of this table are not kept."""

CARRIED_OUT = Turn()
READS = frozenset({"GetItem", "BatchGetItem", "Query", "GET"})


Observer = Callable[[Operation, Record, list[Change]], None]


@contextmanager
def without_logs() -> Iterator[None]:
    """Logs and metrics of thousands of invocations are neither formatted nor printed."""
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


class World:
    """One for all examples of a test; `reset` empties it. `observe` sees every call's changes."""

    def __init__(self, stage: Stage, *, lag: bool, dynamodb: DynamoDB | None = None) -> None:
        self.stage = stage
        self.line = Line(stage, dynamodb or DynamoDB())
        self.clock = FrozenClock()
        stage.clock = self.clock.for_handlers()
        # One, because reading all 64 shards in each run of reconcile would be most of the calls.
        stage.environment["STATUS_SHARDS"] = "1"
        stage.entries["fan_out"] = _changed(stage.build("fan_out"), page_size=PAGE_SIZE)
        stage.entries["connection"] = connection.build(
            read_environment(ConnectionEnvironment, stage.environment),
            stage.clients,
            stage.clock,
            new_session_id=self._next_session_id,
            new_passcode=lambda: PASSCODE,
        )
        self.tables = Tables(self.line.dynamodb)
        self.lag_ms = INDEX_LAG_MS if lag else 0
        self.observe: Observer = lambda *_: None
        self.ended: Callable[[Operation, Record], None] = lambda *_: None
        self.log: Callable[[str], None] = lambda _: None
        self.reset()

    def reset(self) -> None:
        self.interleaver = Interleaver(self._conduct)
        self.line.hook = self.interleaver.hook
        self.clock.pause = self._pause
        self.tables.empty()
        self.sweep_shards(1)
        self.stage.fan_outs.clear()
        self.stage.processor_starts.clear()
        for queue in ("session-checks", "reconcile-shards", "transcripts", *AUDIO_QUEUES):
            self.stage.queued_with_delay(queue)
        self.use_new_container("audio_ingest")
        self.stage.sockets.open.clear()
        self.stage.sockets.posts.clear()
        self.clock.now_ms = START_MS
        self.connections: list[Socket] = []
        self.checks: list[Due] = []
        self.fan_outs: list[Due] = []
        self._unseen: list[tuple[Operation, Record, list[Change]]] = []
        self.known_sessions: list[str] = []
        self.session_numbers = 0

    def sweep_shards(self, shards: int) -> None:
        """Let reconcile look after so many shards."""
        self.shards = shards
        entries = self.stage.entries
        entries["reconcile"] = _changed(entries["reconcile"], shards_swept=shards)

    def use_new_container(self, entry: str) -> None:
        """The function's next invocation remembers nothing of the earlier ones."""
        self.stage.entries.pop(entry, None)

    def _next_session_id(self) -> str:
        self.session_numbers += 1
        return f"session-{self.session_numbers}"

    # ---- what clients do

    def connect(self, role: str, user_id: str | None = None) -> Operation:
        socket = Socket(f"{role}-{len(self.connections) + 1}=", role, user_id, self.clock.now_ms)
        self.connections.append(socket)
        authorizer = {"role": role} | ({"userId": user_id} if user_id else {})
        self.stage._roles[socket.connection_id] = authorizer
        return self._start(
            "connection",
            Record("connect", socket.connection_id),
            self._event(socket, "CONNECT", "$connect"),
        )

    def send(self, socket: Socket, action: str, **fields: Any) -> Operation:
        if action == "heartbeat":
            socket.beat_at_ms = self.clock.now_ms
        entry = ENTRY_OF_ROUTE.get(action, "connection")
        body = json.dumps({"action": action, **fields})
        return self._start(
            entry,
            Record("message", socket.connection_id, action, fields),
            self._event(socket, "MESSAGE", action, body),
        )

    def close(self, socket: Socket) -> None:
        if socket.state == "opening":
            socket.abandoned = True
        else:
            socket.state = "closed"
            self.stage.sockets.open.discard(socket.connection_id)

    def cut(self, socket: Socket) -> None:
        """Cut the client's network, of which API Gateway notices nothing."""
        socket.is_cut = True

    def awaited_silence(self) -> bool:
        """Whether a socket that was cut has not been silent for long enough yet."""
        rows = [
            self.tables.rows["connections"].get(socket.connection_id, {})
            for socket in self.connections
            if socket.is_cut
        ]
        return any(
            self.clock.now_ms - row["lastHeardAt"] < SILENT_AFTER_MS
            for row in rows
            if "lastHeardAt" in row
        )

    def _keep_beating(self) -> None:
        for socket in self.connections:
            if socket.beat_at_ms is None or socket.state != "open" or socket.is_cut:
                continue
            if self.clock.now_ms - socket.beat_at_ms >= BEATS_EVERY_MS:
                self.finish(self.send(socket, "heartbeat"))

    def of_role(self, role: str, *states: str) -> list[Socket]:
        return [each for each in self.connections if each.role == role and each.state in states]

    # ---- what AWS does

    def deliver_disconnect(self, socket: Socket) -> Operation:
        socket.disconnects += 1
        return self._start(
            "disconnect",
            Record("disconnect", socket.connection_id),
            self._event(socket, "DISCONNECT", "$disconnect"),
        )

    def deliver_check(self, due: Due, *, again: bool = False) -> Operation:
        return self._deliver("disconnect", "check", self.checks, due, again=again)

    def check(self, body: dict[str, Any]) -> None:
        self.checks.append(Due(body, self.clock.now_ms, 3))

    def run_fan_out(self, due: Due, *, again: bool = False) -> Operation:
        return self._deliver("fan_out", "fan-out", self.fan_outs, due, again=again)

    def reconcile(self) -> Operation:
        """The turns of all shards, in one invocation."""
        turns = [{"body": json.dumps({"shard": shard})} for shard in range(self.shards)]
        return self._start("reconcile", Record("reconcile"), {"Records": turns})

    def hand_out_turns(self) -> Operation:
        """What reconcile does each time its rule fires."""
        return self._start("reconcile", Record("reconcile"), {})

    def caption(self, transcript: dict[str, Any]) -> Operation:
        return self._start("translation", Record("transcript"), transcript)

    def tick(self, message: dict[str, Any]) -> Operation:
        record = Record("status tick")
        return self._start("session_status", record, {"Records": [{"body": json.dumps(message)}]})

    def _deliver(
        self, entry: str, kind: str, queue: list[Due], due: Due, *, again: bool
    ) -> Operation:
        if not again:
            queue.remove(due)
        event = {"Records": [{"body": json.dumps(due.body)}]} if kind == "check" else due.body
        operation = self._start(entry, Record(kind, fields=due.body), event)
        operation.context["redeliver"] = None if again else (queue, due)
        if operation.over:
            self._redeliver(operation)
        return operation

    def _redeliver(self, operation: Operation) -> None:
        """SQS and asynchronous invocations try again what failed."""
        redelivery = operation.context.pop("redeliver", None)
        if redelivery is None or operation.failure is None:
            return
        queue, due = redelivery
        if due.attempts_left > 1:
            queue.append(Due(due.body, self.clock.now_ms, due.attempts_left - 1))

    def _event(
        self, socket: Socket, event_type: str, route: str, body: str | None = None
    ) -> dict[str, Any]:
        event = self.stage.event(socket.connection_id, event_type, route, body)
        event["requestContext"]["connectedAt"] = socket.connected_at
        return event

    def _start(self, entry: str, record: Record, event: dict[str, Any]) -> Operation:
        who = f" of {record.connection_id}" if record.connection_id else ""
        fields = json.dumps(record.fields) if record.fields else ""
        context = Context(self.clock, self.clock.now_ms + TIME_LIMITS_MS[entry])
        operation = Operation(
            name=f"{record.action or record.kind}{who} {fields}".strip(),
            run=lambda: self._invoke(entry, event, context),
            on_end=self._ended,
        )
        operation.context["record"] = record
        operation.context["deadline_ms"] = context.deadline_ms
        self.log(f"        {operation.name} begins")
        return self.interleaver.start(operation)

    def _invoke(self, entry: str, event: dict[str, Any], context: Context) -> Any:
        if entry in SEEDS:
            random.seed(SEEDS[entry])
        return self.stage.entries[entry](event, context)

    def _ended(self, operation: Operation) -> None:
        record: Record = operation.context["record"]
        if record.kind == "connect":
            socket = next(
                each for each in self.connections if each.connection_id == record.connection_id
            )
            accepted = operation.failure is None and operation.result["statusCode"] == 200
            socket.state = "open" if accepted and not socket.abandoned else "closed"
            if socket.state == "open":
                self.stage.sockets.open.add(socket.connection_id)
        if "redeliver" in operation.context:
            self._redeliver(operation)
        if record.action == "createSession" and operation.failure is None:
            frame = json.loads(operation.result["body"])
            if frame["type"] == "sessionCreated":
                self.known_sessions.append(frame["sessionId"])
        metrics.clear_metrics()
        self.ended(operation, record)

    # ---- the calls

    def step(self, operation: Operation, turn: Turn = CARRIED_OUT) -> None:
        """One AWS call of the operation."""
        fate = "" if turn.fate is Fate.CARRIED_OUT else f" [{turn.fate.value}]"
        view = f" (view {turn.view})" if turn.view else ""
        self.log(f"{operation.name}: {operation.call}{fate}{view}")
        if operation.call is not None and operation.call.service == PAUSE:
            self._wait(operation, float(operation.call.subject))
        self.interleaver.step(operation, turn)
        # Here and not in the operation's thread, whose handler would catch what is asserted.
        for seen in self._unseen:
            self.observe(*seen)
        self._unseen.clear()
        if operation.over:
            frame = operation.result and operation.result.get("body")
            self.log(f"        {operation.name} ends: {frame or operation.failure or 'done'}")

    def _wait(self, operation: Operation, seconds: float) -> None:
        due_ms = operation.context["paused_at_ms"] + round(seconds * 1000)
        self.advance(max(0, due_ms - self.clock.now_ms))

    def finish(self, operation: Operation, view: int = 0) -> None:
        while not operation.over:
            self.step(operation, Turn(view=view))

    def _pause(self, seconds: float) -> None:
        operation = self.interleaver.present()
        if operation is not None:
            operation.context["paused_at_ms"] = self.clock.now_ms
        self.interleaver.pause(seconds)

    def finish_all(self) -> None:
        while self.interleaver.running:
            self.finish(self.interleaver.running[0])

    def _conduct(self, operation: Operation, attempt: Attempt, turn: Turn) -> Reply:
        record: Record = operation.context["record"]
        call = attempt.call
        if call.operation == "Query":
            table = "sessions" if call.subject == "active-sessions-index" else "connections"
            with self.tables.seen_through_an_index(
                table, turn.view, now_ms=self.clock.now_ms, lag_ms=self.lag_ms
            ):
                return attempt.carry_out()
        if call.subject == RATE_LIMITS:
            return attempt.accept()
        posts_before = len(self.stage.sockets.posts)
        answer = attempt.carry_out()
        record.posts += self.stage.sockets.posts[posts_before:]
        if call.operation == "DELETE":
            self._note_closed(call.subject)
        if call.operation not in READS:
            self._take_follow_ups()
            written = written_by(attempt.parameters)
            changes = self.tables.note_changes(self.clock.now_ms, written)
            record.changes += changes
            self._unseen.append((operation, record, changes))
        return answer

    def _note_closed(self, connection_id: str) -> None:
        """API Gateway closed the socket, as it was asked to; its `$disconnect` follows."""
        for socket in self.connections:
            if socket.connection_id == connection_id:
                self.close(socket)

    def _take_follow_ups(self) -> None:
        now_ms = self.clock.now_ms
        self.fan_outs += [Due(task, now_ms, 2) for task in self.stage.fan_outs]
        self.stage.fan_outs.clear()
        self.checks += [
            Due(json.loads(body), now_ms + delay_seconds * 1000, 3)
            for body, delay_seconds in self.stage.queued_with_delay("session-checks")
        ]

    def advance(self, milliseconds: int) -> None:
        """Move the clock; first finish each operation that would exceed its time limit.

        Then the heartbeats that are due come.
        """
        for operation in list(self.interleaver.running):
            if self.clock.now_ms + milliseconds >= operation.context["deadline_ms"]:
                self.finish(operation)
        self.clock.now_ms += milliseconds
        self.log(f"        {milliseconds} ms pass")
        self._keep_beating()

    def due_checks(self) -> list[Due]:
        return [check for check in self.checks if check.due_ms <= self.clock.now_ms]


def _changed(handler: Any, **fields: Any) -> Handler:
    """A handler that is a dataclass, with other values."""
    return replace(handler, **fields)
