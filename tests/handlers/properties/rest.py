"""Everything finishes: running operations, due deliveries, lost disconnects; then reconcile."""

from __future__ import annotations

from tests.handlers.properties.invariants import Invariants
from tests.handlers.properties.records import Due
from tests.handlers.properties.world import World

RECONCILE_EVERY_MS = 120_000
EVERYTHING_SETTLED_MS = 31_000

RECONCILE_RUNS = 6
"""At most: a lost speaker needs a second turn, a notice that died a third, closing a fourth."""


def come_to_rest(world: World, laws: Invariants, view: int = 0) -> None:
    """Raises AssertionError if an invariant is false then; `view` is what indexes show at first."""
    world.log("        --- everything comes to rest")
    world.finish_all()
    for socket in world.connections:
        if socket.state == "closed" and not socket.disconnects:
            world.finish(world.deliver_disconnect(socket))
    deliver_what_is_due(world, view)
    world.advance(EVERYTHING_SETTLED_MS)
    deliver_everything(world)
    if not laws.faults:
        laws.counts_equal_rows()
        laws.no_member_is_in_an_ended_session()
    for _ in range(RECONCILE_RUNS):
        world.advance(RECONCILE_EVERY_MS)
        reconcile = world.reconcile()
        world.finish(reconcile)
        is_done = not reconcile.context["record"].changes and not world.fan_outs
        if is_done and not world.awaited_silence():
            break
        deliver_everything(world)
    laws.counts_equal_rows()
    laws.no_member_is_in_an_ended_session()
    laws.no_row_outlives_its_socket()
    laws.every_speaker_has_one_session()
    laws.ended_sessions_are_closed()
    laws.no_dead_socket_has_a_row()
    laws.no_end_was_sent_twice()
    laws.every_removed_member_was_notified()
    laws.every_control_was_announced()


def deliver_what_is_due(world: World, view: int) -> None:
    while world.fan_outs or world.due_checks():
        if world.fan_outs:
            world.finish(world.run_fan_out(world.fan_outs[0]), view)
        else:
            world.finish(world.deliver_check(world.due_checks()[0]))


def deliver_everything(world: World) -> None:
    """Each check when it is due, each fan-out at once."""
    while world.fan_outs or world.checks:
        if world.fan_outs:
            world.finish(world.run_fan_out(world.fan_outs[0]))
        else:
            due: Due = min(world.checks, key=lambda check: check.due_ms)
            world.advance(max(0, due.due_ms - world.clock.now_ms))
            world.finish(world.deliver_check(due))
