"""Scenarios are set up with calls that succeed, before the operation under test starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.records import Socket
from tests.handlers.properties.world import World

Start = Callable[[], Operation]
Scenario = Callable[[World], Start]
"""Sets up; returns a function that starts the operation under test, and may be called again."""

HOUR_MS = 3_600_000


def connected(world: World, role: str, user_id: str | None = None) -> Socket:
    world.finish(world.connect(role, user_id))
    return world.connections[-1]


def session(world: World, **fields: Any) -> tuple[Socket, str]:
    """A speaker's socket, and the id of the session that it created."""
    speaker = connected(world, "speaker", "user-1")
    world.finish(world.send(speaker, "createSession", sourceLanguage="en", **fields))
    return speaker, world.known_sessions[-1]


def member(world: World, session_id: str, language: str = "es") -> Socket:
    listener = connected(world, "listener")
    world.finish(join(world, listener, session_id, language))
    return listener


def join(world: World, listener: Socket, session_id: str, language: str = "es") -> Operation:
    fields = {"sessionId": session_id, "targetLanguage": language}
    return world.send(listener, "joinSession", **fields)


def end_without_notices(world: World, session_id: str) -> None:
    """End the session; its fan-out and its second pass have not run yet."""
    world.check({"check": "operatorEnd", "sessionId": session_id})
    world.finish(world.deliver_check(world.checks[-1]))


def close(world: World, socket: Socket) -> None:
    world.close(socket)
    world.finish(world.deliver_disconnect(socket))


def changed(world: World, table: str, key: Mapping[str, str], **values: Any) -> None:
    world.stage.change(table, dict(key), **values)
    world.tables.note_changes(world.clock.now_ms)


def drifted(world: World, **values: Any) -> str:
    """A settled session whose counts differ from its listeners' rows."""
    _, session_id = session(world)
    member(world, session_id)
    world.advance(31_000)
    changed(world, "sessions", {"sessionId": session_id}, **values)
    return session_id
