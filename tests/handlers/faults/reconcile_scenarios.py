"""Each thing that reconcile can find."""

from __future__ import annotations

from collections.abc import Mapping

from tests.handlers.faults.setting import (
    Scenario,
    Start,
    changed,
    drifted,
    end_without_notices,
    member,
    session,
)
from tests.handlers.properties.records import Socket
from tests.handlers.properties.world import World

# ---- reconcile


def all_is_right(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    world.advance(31_000)
    return world.reconcile


def count_is_too_high(world: World) -> Start:
    drifted(world, listenerCount=2, listenersByLanguage={"es": 2})
    return world.reconcile


def count_is_too_low(world: World) -> Start:
    drifted(world, listenerCount=0, listenersByLanguage={})
    return world.reconcile


def row_outlived_its_socket(world: World) -> Start:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.close(listener)
    listener.disconnects = 1
    changed(world, "connections", {"connectionId": listener.connection_id}, ttl=1)
    world.advance(31_000)
    return world.reconcile


def shards_have_changed(world: World) -> Start:
    _, session_id = session(world)
    changed(world, "sessions", {"sessionId": session_id}, activeShard=1)
    world.sweep_shards(2)
    return world.reconcile


def speaker_has_no_row(world: World) -> Start:
    speaker, _ = session(world)
    world.close(speaker)
    speaker.disconnects = 1
    world.stage.dynamodb.delete_item(
        TableName="connections", Key={"connectionId": {"S": speaker.connection_id}}
    )
    world.tables.note_changes(world.clock.now_ms)
    return world.reconcile


def speaker_has_no_row_again(world: World) -> Start:
    reconcile = speaker_has_no_row(world)
    world.finish(reconcile())
    world.advance(300_000)
    return reconcile


def speaker_is_there_again(world: World) -> Start:
    _, session_id = session(world)
    changed(world, "sessions", {"sessionId": session_id}, speakerLostAt=1)
    return world.reconcile


def session_has_expired(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    changed(world, "sessions", {"sessionId": session_id}, expiresAt=1)
    return world.reconcile


def ended_without_notices(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    end_without_notices(world, session_id)
    world.fan_outs.clear()
    return world.reconcile


def beating(world: World, socket: Socket) -> Socket:
    world.finish(world.send(socket, "heartbeat"))
    return socket


def cut(world: World, socket: Socket) -> None:
    """The socket's network is cut, and nothing has been heard from it for three minutes."""
    world.cut(socket)
    world.advance(180_000)


def listener_is_cut_off(world: World) -> Start:
    """And another one is not, and a third never sent a heartbeat."""
    _, session_id = session(world)
    dead = beating(world, member(world, session_id))
    beating(world, member(world, session_id))
    member(world, session_id, "fr")
    cut(world, dead)
    return world.reconcile


def speaker_is_cut_off(world: World) -> Start:
    speaker, session_id = session(world)
    member(world, session_id)
    cut(world, beating(world, speaker))
    return world.reconcile


def listener_without_heartbeats_is_gone(world: World) -> Start:
    """API Gateway closed it for being idle, and its `$disconnect` was lost."""
    _, session_id = session(world)
    listener = member(world, session_id)
    world.close(listener)
    listener.disconnects = 1
    world.advance(600_000)
    return world.reconcile


def control_was_not_announced(world: World) -> Start:
    """Its function died before the fan-out."""
    speaker, session_id = session(world)
    member(world, session_id)
    world.finish(world.send(speaker, "muteBroadcast"))
    world.fan_outs.clear()
    world.advance(60_000)
    return world.reconcile


def turns_are_handed_out(world: World) -> Start:
    session(world)
    world.sweep_shards(2)
    return world.hand_out_turns


RECONCILE: Mapping[str, Scenario] = {
    "all is right": all_is_right,
    "count is too high": count_is_too_high,
    "count is too low": count_is_too_low,
    "row that outlived its socket": row_outlived_its_socket,
    "number of shards has changed": shards_have_changed,
    "speaker has no row": speaker_has_no_row,
    "speaker has no row again": speaker_has_no_row_again,
    "speaker is there again": speaker_is_there_again,
    "session has expired": session_has_expired,
    "ended session without notices": ended_without_notices,
    "listener is cut off": listener_is_cut_off,
    "speaker is cut off": speaker_is_cut_off,
    "listener without heartbeats is gone": listener_without_heartbeats_is_gone,
    "control that was not announced": control_was_not_announced,
    "turns are handed out": turns_are_handed_out,
}
