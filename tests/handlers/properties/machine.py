"""The machines: clients, AWS around them, and what can fail."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.properties.client_rules import Clients
from tests.handlers.properties.interleaving import Fate, Turn
from tests.handlers.properties.records import Socket
from tests.handlers.properties.rest import deliver_what_is_due
from tests.handlers.properties.turns import calls, pick, picks, views

FAULTS_AT_MOST = 4
SECOND_PASS_AFTER_MS = 5_000
FATES = sorted(set(Fate) - {Fate.CARRIED_OUT, Fate.CONDITION_FAILED, Fate.GONE}, key=str)
"""AWS reports neither a failed condition nor a gone socket without a cause."""


class LiveSessions(Clients):
    """Without failures: no function dies and no response is lost."""

    def _lost(self) -> list[Socket]:
        return [
            socket
            for socket in self.world.connections
            if (socket.state == "closed" or socket.abandoned) and socket.disconnects < 2
        ]

    @precondition(lambda self: self._may_start() and self._lost())
    @rule(number=picks, calls=calls)
    def disconnect_is_delivered(self, number: int, calls: int) -> None:
        self._begin(self.world.deliver_disconnect(pick(self._lost(), number)), calls)

    @precondition(lambda self: self._may_start() and self.world.due_checks())
    @rule(number=picks, again=st.booleans(), calls=calls)
    def check_is_delivered(self, number: int, again: bool, calls: int) -> None:
        self._begin(
            self.world.deliver_check(pick(self.world.due_checks(), number), again=again), calls
        )

    @precondition(lambda self: self._may_start() and self.world.fan_outs)
    @rule(number=picks, again=st.booleans(), calls=calls, view=views)
    def fan_out_starts(self, number: int, again: bool, calls: int, view: int) -> None:
        fan_out = self.world.run_fan_out(pick(self.world.fan_outs, number), again=again)
        self._begin(fan_out, calls, view)

    @precondition(lambda self: self._may_start() and self._sessions())
    @rule(calls=calls, view=views, twice=st.booleans())
    def reconcile_starts(self, calls: int, view: int, twice: bool) -> None:
        """EventBridge and Lambda deliver at least once."""
        if twice:
            self.world.finish(self.world.reconcile())
        self._begin(self.world.reconcile(), calls, view)

    @precondition(lambda self: self._may_start() and self._sessions())
    @rule(calls=calls)
    def status_tick_starts(self, calls: int) -> None:
        at = datetime.fromtimestamp(self.world.clock.now_ms / 1000, UTC)
        tick = {"scheduledAt": at.isoformat(), "offsetSeconds": 0}
        self._begin(self.world.tick({"tick": tick, "shard": 0}), calls)

    @precondition(lambda self: self.world.fan_outs or self.world.checks)
    @rule(view=views)
    def aws_catches_up(self, view: int) -> None:
        """Running operations make no calls meanwhile."""
        self.world.advance(SECOND_PASS_AFTER_MS)
        deliver_what_is_due(self.world, view)

    @precondition(lambda self: self._sessions())
    @rule(session=picks)
    def operator_ends(self, session: int) -> None:
        session_id = pick(self._sessions(), session)
        self.world.check({"check": "operatorEnd", "sessionId": session_id})


class FailingSessions(LiveSessions):
    """Functions die between two calls, calls fail and responses are lost."""

    @precondition(lambda self: self._running() and self.faults < FAULTS_AT_MOST)
    @rule(
        number=picks,
        fate=st.sampled_from(FATES),
        view=views,
    )
    def a_call_fails(self, number: int, fate: Fate, view: int) -> None:
        operation = pick(self._running(), number)
        self.faults += 1
        self.laws.faults = True
        operation.context["faulty"] = True
        self.world.step(operation, Turn(fate, view))
