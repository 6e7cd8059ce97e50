"""Handlers that take turns: each runs in its own thread and stops before every AWS call.

One thread runs at a time, from one call to the next, and the test says which one. So every
interleaving of calls can be produced, repeated and shrunk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.handlers.direct_moto import Reply
from tests.handlers.faults.line import Attempt, Call
from tests.patience import PATIENCE_SECONDS

PAUSE = "time"
"""The service of a stop that is a pause, not an AWS call."""


class Fate(Enum):
    """What happens to the call that an operation has stopped before."""

    CARRIED_OUT = "carried out"
    ANSWER_LOST = "carried out, answer lost"
    CALL_LOST = "lost"
    FAILED_BEFORE = "lost at every attempt"
    FAILED_AFTER = "carried out, answer lost at every attempt"
    THROTTLED = "throttled"
    DENIED = "access denied"
    BROKEN = "answered 500"
    CONDITION_FAILED = "condition failed"
    GONE = "gone"
    DEATH_BEFORE = "death before"
    DEATH_AFTER = "death after"


REFUSALS: Mapping[Fate, Mapping[str, tuple[str, int]]] = {
    Fate.THROTTLED: {
        "dynamodb": ("ThrottlingException", 400),
        "sqs": ("RequestThrottled", 403),
        "lambda": ("TooManyRequestsException", 429),
        "translate": ("TooManyRequestsException", 400),
        "execute-api": ("LimitExceededException", 429),
    },
    Fate.DENIED: {
        "dynamodb": ("AccessDeniedException", 400),
        "sqs": ("AccessDenied", 403),
        "lambda": ("AccessDeniedException", 403),
        "translate": ("AccessDeniedException", 400),
        "execute-api": ("ForbiddenException", 403),
    },
    Fate.BROKEN: {
        "dynamodb": ("InternalServerError", 500),
        "sqs": ("InternalFailure", 500),
        "lambda": ("ServiceException", 500),
        "translate": ("InternalServerException", 500),
        "execute-api": ("InternalServerError", 500),
    },
    Fate.CONDITION_FAILED: {"dynamodb": ("ConditionalCheckFailedException", 400)},
    Fate.GONE: {"execute-api": ("GoneException", 410)},
}
"""Code and status by service; the calls of other services cannot fail in that way."""

AT_EVERY_ATTEMPT = frozenset({Fate.FAILED_BEFORE, Fate.FAILED_AFTER, *REFUSALS})


@dataclass(frozen=True)
class Turn:
    """`view` picks among the versions of each row that an index may still show."""

    fate: Fate = Fate.CARRIED_OUT
    view: int = 0


class Death(BaseException):
    """Lambda died in the middle: nothing of the function runs after this."""


class Stuck(AssertionError):
    """A thread reached neither its next call nor its end in time."""


@dataclass
class Operation:
    """A handler's invocation; `call` is the one it has stopped before, None once it is over."""

    name: str
    run: Callable[[], Any]
    on_end: Callable[[Operation], None] = lambda _: None
    context: dict[str, Any] = field(default_factory=dict)
    call: Call | None = None
    result: Any = None
    failure: BaseException | None = None
    over: bool = False
    dead: bool = False
    failing: Call | None = None
    turn: Turn = Turn()
    # Locks, which cost a third of what a semaphore does: each is released for one turn.
    resumed: threading.Lock = field(default_factory=lambda: _held())
    paused: threading.Lock = field(default_factory=lambda: _held())

    @property
    def died(self) -> bool:
        return isinstance(self.failure, Death)


Conduct = Callable[[Operation, Attempt, Turn], Reply]


class Interleaver:
    """Runs operations by turns; `conduct` carries out a call as its turn says."""

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct
        self._local = threading.local()
        self.running: list[Operation] = []
        self.calls = 0
        self.operations = 0

    def present(self) -> Operation | None:
        """The operation of the current thread, if any."""
        return getattr(self._local, "operation", None)

    def hook(self, attempt: Attempt) -> Reply:
        """For the Line: stops an operation's thread; calls of other threads are carried out."""
        operation = self.present()
        if operation is None:
            return attempt.carry_out()
        if operation.dead:
            raise Death
        if operation.failing is not None and attempt.repeats(operation.failing):
            return _fail(attempt, operation.turn.fate)
        operation.failing = None
        self._stop_before(operation, attempt.call)
        return self._take(operation, attempt)

    def pause(self, seconds: float) -> None:
        """For the clock: a pause is a turn, too, and the function may die in it."""
        operation = self.present()
        if operation is None:
            return
        if not operation.dead:
            self._stop_before(operation, Call(PAUSE, "sleep", str(seconds)))
        if operation.dead or operation.turn.fate in (Fate.DEATH_BEFORE, Fate.DEATH_AFTER):
            operation.dead = True
            raise Death

    def _stop_before(self, operation: Operation, call: Call) -> None:
        operation.call = call
        operation.paused.release()
        if not operation.resumed.acquire(timeout=PATIENCE_SECONDS):
            raise Stuck(f"{operation.name} was not resumed before {call}")

    def _take(self, operation: Operation, attempt: Attempt) -> Reply:
        turn = operation.turn
        if turn.fate is Fate.DEATH_BEFORE:
            operation.dead = True
            raise Death
        self.calls += 1
        if turn.fate in AT_EVERY_ATTEMPT:
            operation.failing = attempt.call
        if turn.fate in REFUSALS or turn.fate in (Fate.CALL_LOST, Fate.FAILED_BEFORE):
            return _fail(attempt, turn.fate)
        answer = self._conduct(operation, attempt, turn)
        if turn.fate is Fate.DEATH_AFTER:
            operation.dead = True
            raise Death
        answered = turn.fate not in (Fate.ANSWER_LOST, Fate.FAILED_AFTER)
        return answer if answered else attempt.lose()

    def start(self, operation: Operation) -> Operation:
        """Run the operation up to its first call."""
        self.operations += 1
        self.running.append(operation)
        threading.Thread(target=self._run, args=(operation,), daemon=True).start()
        self._await(operation)
        return operation

    def step(self, operation: Operation, turn: Turn) -> None:
        """Let the operation make its call and run on to the next one or to its end."""
        if operation.call is None:
            raise Stuck(f"{operation.name} is over")
        operation.turn = turn
        operation.call = None
        operation.resumed.release()
        self._await(operation)

    def kill_all(self) -> None:
        """End the operations that still run, without carrying out their calls."""
        while self.running:
            self.running[0].on_end = lambda _: None
            self.step(self.running[0], Turn(Fate.DEATH_BEFORE))

    def _run(self, operation: Operation) -> None:
        self._local.operation = operation
        try:
            operation.result = operation.run()
        except BaseException as failure:
            operation.failure = failure
        operation.over = True
        operation.paused.release()

    def _await(self, operation: Operation) -> None:
        if not operation.paused.acquire(timeout=PATIENCE_SECONDS):
            raise Stuck(f"{operation.name} neither ended nor made a call")
        if operation.over:
            operation.call = None
            self.running.remove(operation)
            operation.on_end(operation)


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def _fail(attempt: Attempt, fate: Fate) -> Reply:
    if fate not in REFUSALS:
        return attempt.lose()
    if fate is Fate.CONDITION_FAILED and attempt.call.operation == "TransactWriteItems":
        return attempt.refuse("TransactionCanceledException", 400)
    return attempt.refuse(*REFUSALS[fate][attempt.call.service])
