"""Interleavings that once made a count wrong, or would without one of the conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.handlers.conftest import Stage
from tests.handlers.faults.setting import (
    changed,
    close,
    connected,
    end_without_notices,
    join,
    member,
    session,
)
from tests.handlers.properties.interleaving import Fate, Operation, Turn
from tests.handlers.properties.invariants import Invariants, listeners_of
from tests.handlers.properties.rest import come_to_rest, deliver_what_is_due
from tests.handlers.properties.world import World, without_logs

SETTLED_MS = 31_000
SECOND_PASS_AFTER_MS = 5_000


@pytest.fixture
def world(stage: Stage) -> Iterator[World]:
    with without_logs():
        world = World(stage, lag=True)
        yield world
        world.interleaver.kill_all()


def stopped_before(world: World, operation: Operation, call: str) -> Operation:
    """The operation, carried out up to that call."""
    while call not in str(operation.call):
        world.step(operation)
    return operation


def test_two_concurrent_runs_of_reconcile_do_not_undo_a_leave_in_progress(world: World) -> None:
    _, session_id = session(world)
    member(world, session_id)
    listener = member(world, session_id)
    world.advance(SETTLED_MS)
    leave = stopped_before(world, world.send(listener, "leaveSession"), "UpdateItem sessions")
    first, second = world.reconcile(), world.reconcile()
    stopped_before(world, first, "sleep")
    stopped_before(world, second, "sleep")
    world.finish(leave)
    world.finish(first)
    world.finish(second)
    Invariants(world).counts_equal_rows()


def test_a_leave_between_count_and_recheck_is_not_counted_twice(world: World) -> None:
    _, session_id = session(world)
    staying = member(world, session_id)
    listener = member(world, session_id)
    world.advance(SETTLED_MS)
    changed(world, "sessions", {"sessionId": session_id}, listenerCount=3)
    reconcile = stopped_before(world, world.reconcile(), "sleep")
    world.advance(89_000)
    leave = stopped_before(world, world.send(listener, "leaveSession"), "UpdateItem sessions")
    world.finish(reconcile)
    world.finish(leave)
    assert [row["connectionId"] for row in listeners_of(world, session_id)] == [
        staying.connection_id
    ]
    assert world.tables.rows["sessions"][session_id]["listenerCount"] >= 1


@pytest.mark.parametrize("row", ["UpdateItem", "PutItem"])
def test_a_join_whose_response_was_lost_does_not_release_a_place_twice(
    world: World, row: str
) -> None:
    _, session_id = session(world)
    member(world, session_id)
    listener = connected(world, "listener")
    if row == "PutItem":
        world.finish(join(world, listener, session_id))
        world.finish(world.send(listener, "leaveSession"))
    joining = stopped_before(world, join(world, listener, session_id), f"{row} connections")
    laws = Invariants(world)
    laws.faults = True
    joining.context["faulty"] = True
    world.step(joining, Turn(Fate.FAILED_AFTER))
    world.close(listener)
    world.finish(world.deliver_disconnect(listener))
    world.finish(joining)
    assert len(listeners_of(world, session_id)) == 1
    assert world.tables.rows["sessions"][session_id]["listenerCount"] >= 1
    come_to_rest(world, laws)


@pytest.mark.parametrize("view", range(16))
def test_reconcile_does_not_count_both_sockets_of_a_refresh_nor_none(
    world: World, view: int
) -> None:
    """The index may still show the old row, not yet the new one, or both."""
    _, session_id = session(world)
    old = member(world, session_id)
    world.advance(SETTLED_MS)
    new = connected(world, "listener")
    fields = {"connectionId": old.connection_id, "targetLanguage": "es"}
    world.finish(world.send(new, "refreshConnection", sessionId=session_id, **fields))
    reconcile = world.reconcile()
    while not reconcile.over:
        world.step(reconcile, Turn(view=view))
    Invariants(world).counts_equal_rows()


def notified_in_both_passes(world: World, session_id: str) -> None:
    end_without_notices(world, session_id)
    world.advance(SECOND_PASS_AFTER_MS)
    deliver_what_is_due(world, 0)


def test_a_join_adds_no_member_if_the_session_ended_meanwhile(world: World) -> None:
    _, session_id = session(world)
    listener = connected(world, "listener")
    joining = stopped_before(world, join(world, listener, session_id), "UpdateItem connections")
    notified_in_both_passes(world, session_id)
    world.finish(joining)
    assert json.loads(joining.result["body"])["code"] == "SESSION_ENDED"
    assert listeners_of(world, session_id) == []


def test_a_refresh_leaves_no_member_if_the_session_ended_meanwhile(world: World) -> None:
    """The old socket's row went with the end, or the new one's after it."""
    _, session_id = session(world)
    old = member(world, session_id)
    fields = {"connectionId": old.connection_id, "targetLanguage": "es"}
    new = connected(world, "listener")
    refresh = world.send(new, "refreshConnection", sessionId=session_id, **fields)
    stopped_before(world, refresh, "TransactWriteItems")
    world.check({"check": "operatorEnd", "sessionId": session_id})
    world.finish(world.deliver_check(world.checks[-1]))
    world.step(refresh)
    world.advance(SECOND_PASS_AFTER_MS)
    # The first pass and the second see the listeners as they were before the refresh.
    deliver_what_is_due(world, 1)
    world.finish(refresh)
    assert listeners_of(world, session_id) == []


def test_the_second_pass_notifies_a_listener_that_the_first_did_not_see(world: World) -> None:
    _, session_id = session(world)
    world.advance(SETTLED_MS)
    listener = connected(world, "listener")
    world.advance(SETTLED_MS)
    world.finish(join(world, listener, session_id))
    end_without_notices(world, session_id)
    # View 1 is the first row that has changed of late, the listener's, as it was before.
    world.finish(world.run_fan_out(world.fan_outs[0]), 1)
    assert listeners_of(world, session_id), "the view is the wrong one"
    world.advance(SECOND_PASS_AFTER_MS)
    deliver_what_is_due(world, 0)
    notified = [who for who, frame in world.stage.sockets.posts if frame["type"] == "sessionEnded"]
    assert notified.count(listener.connection_id) == 1


def test_a_join_leaves_no_row_if_the_socket_has_closed_and_its_disconnect_was_handled(
    world: World,
) -> None:
    """Its `$disconnect` comes only once, and found no row."""
    _, session_id = session(world)
    listener = member(world, session_id)
    world.finish(world.send(listener, "leaveSession"))
    joining = stopped_before(world, join(world, listener, session_id), "PutItem connections")
    close(world, listener)
    world.finish(joining)
    assert listeners_of(world, session_id) == []
    Invariants(world).counts_equal_rows()


def test_the_last_place_goes_to_one_of_two_concurrent_joins(world: World) -> None:
    _, session_id = session(world)
    for _ in range(2):
        member(world, session_id)
    rivals = [connected(world, "listener") for _ in range(2)]
    joins = [join(world, rival, session_id) for rival in rivals]
    for joining in joins:
        stopped_before(world, joining, "UpdateItem sessions")
    for joining in joins:
        world.finish(joining)
    frames = [json.loads(joining.result["body"]) for joining in joins]
    assert [frame.get("code") for frame in frames] == [None, "SESSION_FULL"]
    assert len(listeners_of(world, session_id)) == 3


def test_a_join_between_count_and_recheck_prevents_the_correction(world: World) -> None:
    _, session_id = session(world)
    member(world, session_id)
    joiner = connected(world, "listener")
    world.advance(SETTLED_MS)
    changed(world, "sessions", {"sessionId": session_id}, listenerCount=2)
    reconcile = stopped_before(world, world.reconcile(), "sleep")
    world.finish(join(world, joiner, session_id))
    world.finish(reconcile)
    assert world.tables.rows["sessions"][session_id]["listenerCount"] == 3, "one too many as yet"
    laws = Invariants(world)
    laws.faults = True
    come_to_rest(world, laws)


@pytest.mark.parametrize("languages", [("fr", "fr"), ("fr", "it")])
def test_two_concurrent_changes_of_language_count_one_language(
    world: World, languages: tuple[str, str]
) -> None:
    _, session_id = session(world)
    listener = member(world, session_id)
    changes = [
        world.send(listener, "changeLanguage", targetLanguage=language) for language in languages
    ]
    for change in changes:
        stopped_before(world, change, "UpdateItem connections")
    for change in reversed(changes):
        world.finish(change)
    Invariants(world).counts_equal_rows()


def test_a_change_of_language_while_the_listener_refreshes_is_not_lost(world: World) -> None:
    _, session_id = session(world)
    old = member(world, session_id)
    new = connected(world, "listener")
    fields = {"connectionId": old.connection_id, "targetLanguage": "es"}
    refresh = world.send(new, "refreshConnection", sessionId=session_id, **fields)
    stopped_before(world, refresh, "TransactWriteItems")
    world.finish(world.send(old, "changeLanguage", targetLanguage="fr"))
    world.finish(refresh)
    Invariants(world).counts_equal_rows()


def test_one_of_two_sockets_that_refresh_the_same_listener_takes_its_place(world: World) -> None:
    _, session_id = session(world)
    old = member(world, session_id)
    fields = {"connectionId": old.connection_id, "targetLanguage": "fr"}
    refreshes = [
        world.send(
            connected(world, "listener"), "refreshConnection", sessionId=session_id, **fields
        )
        for _ in range(2)
    ]
    for refresh in refreshes:
        stopped_before(world, refresh, "TransactWriteItems")
    for refresh in refreshes:
        world.finish(refresh)
    frames = [json.loads(refresh.result["body"]) for refresh in refreshes]
    assert [frame.get("code") for frame in frames] == [None, "CONNECTION_NOT_FOUND"]
    Invariants(world).counts_equal_rows()
