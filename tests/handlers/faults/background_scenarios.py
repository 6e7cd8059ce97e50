"""What begins with AWS: `$disconnect`, checks, ticks and fan-outs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from live_sessions.sessions.follow_ups import CLOSING_DELAY_SECONDS
from tests.handlers.faults.setting import (
    HOUR_MS,
    Scenario,
    Start,
    changed,
    close,
    end_without_notices,
    member,
    session,
)
from tests.handlers.properties.records import Due
from tests.handlers.properties.world import World

# ---- disconnect


def listener_closes(world: World) -> Start:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.close(listener)
    return lambda: world.deliver_disconnect(listener)


def speaker_closes(world: World) -> Start:
    speaker, session_id = session(world)
    member(world, session_id)
    world.close(speaker)
    return lambda: world.deliver_disconnect(speaker)


def check(kind: str, **fields: Any) -> Scenario:
    def set_up(world: World) -> Start:
        _, session_id = session(world)
        member(world, session_id)
        world.check({"check": kind, "sessionId": session_id, **fields})
        return lambda: world.deliver_check(world.checks[-1])

    return set_up


def speaker_is_lost(world: World) -> Start:
    speaker, session_id = session(world)
    member(world, session_id)
    close(world, speaker)
    world.advance(10_000)
    return lambda: world.deliver_check(world.checks[-1])


def expiry_is_checked(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    world.advance(8 * HOUR_MS)
    world.check({"check": "expiry", "sessionId": session_id})
    return lambda: world.deliver_check(world.checks[-1])


def second_pass(**fields: Any) -> Scenario:
    """In a session that was created with these fields."""

    def set_up(world: World) -> Start:
        _, session_id = session(world, **fields)
        member(world, session_id)
        end_without_notices(world, session_id)
        world.fan_outs.clear()
        return lambda: world.deliver_check(world.checks[-1])

    return set_up


def closing_pass(world: World) -> Start:
    """All listeners have been notified: the pass closes the session."""
    _, session_id = session(world, keepTranscript=True)
    end_without_notices(world, session_id)
    for due in (world.fan_outs, world.checks):
        due.clear()
    world.advance(CLOSING_DELAY_SECONDS * 1000)
    world.check({"check": "secondPass", "sessionId": session_id, "isClosing": True})
    return lambda: world.deliver_check(world.checks[-1])


# ---- session_status


def tick(shard: int | None) -> Scenario:
    """With a live session, one whose speaker is gone, and one that has expired."""

    def set_up(world: World) -> Start:
        session(world)
        gone, _ = session(world)
        world.close(gone)
        _, expired = session(world)
        changed(world, "sessions", {"sessionId": expired}, expiresAt=1)
        at = datetime.fromtimestamp(world.clock.now_ms / 1000, UTC).isoformat()
        message: dict[str, Any] = {"tick": {"scheduledAt": at, "offsetSeconds": 0}}
        return lambda: world.tick(message if shard is None else message | {"shard": shard})

    return set_up


# ---- fan_out


def end_is_sent(listeners: int, **task: Any) -> Scenario:
    def set_up(world: World) -> Start:
        _, session_id = session(world)
        members = [member(world, session_id) for _ in range(listeners)]
        end_without_notices(world, session_id)
        if task:
            world.fan_outs[-1].body["connectionIds"] = [each.connection_id for each in members]
        return lambda: world.run_fan_out(world.fan_outs[-1])

    return set_up


def frame_is_sent(listeners: int, *, one_is_gone: bool = False) -> Scenario:
    def set_up(world: World) -> Start:
        speaker, session_id = session(world)
        members = [member(world, session_id) for _ in range(listeners)]
        if one_is_gone:
            world.close(members[0])
        world.finish(world.send(speaker, "muteBroadcast"))
        return lambda: world.run_fan_out(world.fan_outs[-1])

    return set_up


def no_listener_is_left(world: World) -> Start:
    """The pass that closes an ended session."""
    _, session_id = session(world)
    end_without_notices(world, session_id)
    due: Due = world.fan_outs[-1]
    world.advance(61_000)
    return lambda: world.run_fan_out(due)


def session_with_a_transcript_closes(world: World) -> Start:
    _, session_id = session(world, keepTranscript=True)
    end_without_notices(world, session_id)
    due: Due = world.fan_outs[-1]
    world.advance(61_000)
    return lambda: world.run_fan_out(due)


DISCONNECT: Mapping[str, Scenario] = {
    "listener's socket closed": listener_closes,
    "speaker's socket closed": speaker_closes,
    "speakerLost": speaker_is_lost,
    "operatorEnd": check("operatorEnd"),
    "expiry": expiry_is_checked,
    "secondPass": second_pass(),
    "secondPass of a session with a transcript": second_pass(keepTranscript=True),
    "closing pass": closing_pass,
    "broadcast": check("broadcast", version=1),
}

TICKS: Mapping[str, Scenario] = {
    "tick": tick(None),
    "shard": tick(0),
}

FAN_OUT: Mapping[str, Scenario] = {
    "end": end_is_sent(1),
    "end handed out": end_is_sent(3),
    "end of a page": end_is_sent(2, page=True),
    "end without listeners": no_listener_is_left,
    "end of a session with a transcript": session_with_a_transcript_closes,
    "frame": frame_is_sent(1),
    "frame handed out": frame_is_sent(3),
    "frame to a listener who is gone": frame_is_sent(2, one_is_gone=True),
}
