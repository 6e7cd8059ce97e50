"""What is true at every moment, and what is true once everything has finished."""

from __future__ import annotations

from collections import Counter
from typing import Any

from live_sessions.sessions.hearing import SILENT_AFTER_MS
from tests.handlers.conftest import ENVIRONMENT
from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.records import Record
from tests.handlers.properties.tables import Change, Row
from tests.handlers.properties.world import PASSCODE, World

LIMIT = int(ENVIRONMENT["MAX_LISTENERS_PER_SESSION"])
SESSION_ATTRIBUTES = {
    "sessionId",
    "speakerConnectionId",
    "sourceLanguage",
    "createdAt",
    "expiresAt",
}
CONNECTION_ATTRIBUTES = {"connectionId", "role", "connectedAt", "ttl"}


def listeners_of(world: World, session_id: str) -> list[Row]:
    return [
        row
        for row in world.tables.rows["connections"].values()
        if row.get("sessionId") == session_id and row["role"] == "listener"
    ]


class Invariants:
    """With `faults`, calls failed or functions died, so counts may be wrong until reconcile."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = False
        self.removals: list[tuple[Operation, Record, Change]] = []
        self.disconnects_lost: set[str] = set()
        self.faulty: list[str] = []
        """The operations in which a call failed, or that died."""

    # ---- at every moment

    def at_every_moment(self, operation: Operation, record: Record, changes: list[Change]) -> None:
        for change in changes:
            if change.table == "sessions":
                self._session_changed(change)
            else:
                self._connection_changed(operation, record, change)
        for session_id, session in self.world.tables.rows["sessions"].items():
            members = len(listeners_of(self.world, session_id))
            assert session["listenerCount"] <= LIMIT, f"{session_id} counts over its capacity"
            assert members <= LIMIT, f"{session_id} has {members} listeners"
            if not self.faults and "endedAt" not in session:
                assert members <= session["listenerCount"], f"{session_id} counts too few"

    def _session_changed(self, change: Change) -> None:
        before, after = change.before, change.after
        if not after:
            return
        missing = SESSION_ATTRIBUTES - after.keys()
        assert not missing, f"{change.key} was written without {missing}"
        assert not ("endedAt" in before and "endedAt" not in after), f"{change.key} is live again"
        if before:
            moved = _without_version(before) != _without_version(after)
            steps = after["broadcastState"]["version"] - before["broadcastState"]["version"]
            assert steps == moved, f"{change.key}: version rose by {steps}, changed: {moved}"
        else:
            assert after["broadcastState"]["version"] == 1

    def _connection_changed(self, operation: Operation, record: Record, change: Change) -> None:
        if change.after:
            missing = CONNECTION_ATTRIBUTES - change.after.keys()
            assert not missing, f"{change.key} was written without {missing}"
        was_in = change.before.get("sessionId")
        if was_in is not None and change.after.get("sessionId") != was_in:
            self.removals.append((operation, record, change))
            if record.kind == "reconcile" and not operation.context.get("said gone", False):
                self._require_a_dead_socket(change)

    def _require_a_dead_socket(self, change: Change) -> None:
        """Reconcile removes members that are silent, gone or past their socket's lifetime."""
        now_ms = self.world.clock.now_ms
        is_silent = now_ms - change.before.get("lastHeardAt", now_ms) >= SILENT_AFTER_MS
        is_over = change.before["ttl"] <= now_ms / 1000
        is_closed = change.key not in self.world.stage.sockets.open
        assert is_silent or is_over or is_closed, f"reconcile removed {change.key}, which is alive"

    def at_every_end(self, operation: Operation, record: Record) -> None:
        """A client's message gets a reply, and no error where no call failed."""
        if record.kind == "disconnect" and operation.failure is not None:
            self.disconnects_lost.add(str(record.connection_id))
        faulty = operation.context.get("faulty", False)
        if faulty:
            self.faulty.append(operation.name)
        if record.kind == "message" and not operation.died:
            assert operation.failure is None, f"{operation.name} raised {operation.failure!r}"
            frame = record.answer(operation.result)
            well = frame.get("code") not in ("INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
            assert well or faulty, f"{operation.name} got {frame}"
            if frame["type"] == "sessionJoined":
                self._had_the_passcode(record)
        elif not faulty:
            assert operation.failure is None, f"{operation.name} raised {operation.failure!r}"

    def _had_the_passcode(self, record: Record) -> None:
        session = self.world.tables.rows["sessions"][record.fields["sessionId"]]
        is_open = session.get("access", "open") == "open"
        assert is_open or record.fields["passcode"] == PASSCODE, f"{record.fields} joined"

    # ---- at rest

    def counts_equal_rows(self) -> None:
        for session_id, session in self.world.tables.rows["sessions"].items():
            rows = [] if "endedAt" in session else listeners_of(self.world, session_id)
            by_language = dict(sorted(Counter(row["targetLanguage"] for row in rows).items()))
            assert session["listenerCount"] == len(rows), f"{session_id} counts wrongly"
            recorded = session["listenersByLanguage"]
            present = {language: count for language, count in recorded.items() if count}
            assert present == by_language, f"{session_id} counts wrongly"
            assert all(count >= 0 for count in recorded.values()), f"{session_id}: {recorded}"

    def no_member_is_in_an_ended_session(self) -> None:
        sessions = self.world.tables.rows["sessions"]
        for row in self.world.tables.rows["connections"].values():
            session_id = row.get("sessionId")
            if session_id is None:
                continue
            session = sessions.get(session_id, {"endedAt": 0})
            if row["role"] == "speaker" and self.faults:
                # Their next createSession or refresh finds that they are not its speaker.
                continue
            assert "endedAt" not in session, f"{row['connectionId']} was left in {session_id}"

    def no_row_outlives_its_socket(self) -> None:
        """Only a row without a session may outlive its socket; its TTL removes it."""
        open_ids = {each.connection_id for each in self.world.connections if each.state == "open"}
        for connection_id, row in self.world.tables.rows["connections"].items():
            if connection_id in open_ids or "sessionId" not in row:
                continue
            assert self.faults, f"{connection_id} is closed and has a row"
            assert connection_id in self.disconnects_lost, (
                f"{connection_id} is closed and still a member"
            )

    def every_speaker_has_one_session(self) -> None:
        rows = self.world.tables.rows
        live = [row for row in rows["sessions"].values() if "endedAt" not in row]
        speakers = Counter(session["speakerConnectionId"] for session in live)
        twice = [speaker for speaker, times in speakers.items() if times > 1]
        assert not twice, f"{twice} are the speakers of two sessions"
        for session in live:
            row = rows["connections"].get(session["speakerConnectionId"])
            believes = row is not None and row.get("sessionId") == session["sessionId"]
            assert believes, f"{session['sessionId']} is live without its speaker"

    def ended_sessions_are_closed(self) -> None:
        for session_id, session in self.world.tables.rows["sessions"].items():
            if "endedAt" in session:
                assert "activeShard" not in session, f"{session_id} is never closed"

    def no_dead_socket_has_a_row(self) -> None:
        for socket in self.world.connections:
            row = self.world.tables.rows["connections"].get(socket.connection_id, {})
            is_dead = socket.is_cut and "lastHeardAt" in row and "sessionId" in row
            assert not is_dead, f"{socket.connection_id} is cut off and still a member"

    def every_control_was_announced(self) -> None:
        for session_id, session in self.world.tables.rows["sessions"].items():
            if "endedAt" not in session:
                assert "unannouncedVersion" not in session, f"{session_id}: a control was lost"

    def no_end_was_sent_twice(self) -> None:
        """After a failure it may be sent again."""
        sent = Counter(
            (connection_id, frame["sessionId"])
            for connection_id, frame in self.world.stage.sockets.posts
            if frame["type"] == "sessionEnded"
        )
        twice = [who for who, times in sent.items() if times > 1 + len(self.faulty)]
        assert not twice, f"{twice} got sessionEnded twice"

    def every_removed_member_was_notified(self) -> None:
        """A member asks for its removal, or gets sessionEnded."""
        unreachable = {
            each.connection_id
            for each in self.world.connections
            if each.state == "closed" or each.is_cut
        }
        notified = {
            (connection_id, frame["sessionId"])
            for connection_id, frame in self.world.stage.sockets.posts
            if frame["type"] == "sessionEnded"
        }
        for operation, record, change in self.removals:
            excused = change.key in unreachable or operation.context.get("said gone", False)
            if excused or record.kind == "reconcile" or _was_asked_for(record, change):
                continue
            assert (change.key, change.before["sessionId"]) in notified, (
                f"{operation.name} removed {change.key} without a notice"
            )


def _was_asked_for(record: Record, change: Change) -> bool:
    """The client itself asked for it, on this socket or on the one that takes its place."""
    if record.action == "refreshConnection":
        is_speaker = change.before["role"] == "speaker"
        return is_speaker or change.key in (record.connection_id, record.fields["connectionId"])
    return record.connection_id == change.key


def _without_version(session: dict[str, Any]) -> dict[str, Any]:
    state = dict(session["broadcastState"])
    del state["version"], state["lastStateChange"]
    return state
