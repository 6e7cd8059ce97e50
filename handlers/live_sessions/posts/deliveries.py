"""A frame to many connections at once: who got it, who did not, and why."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import NamedTuple

from live_sessions.aws.backoff import backoff_seconds

CONCURRENT_POSTS = 48
ATTEMPTS = 4


class Delivery(StrEnum):
    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    UNTRIED = "untried"


class Attempt(NamedTuple):
    """What became of one attempt; one that failed has a reason and may be worth repeating."""

    delivery: Delivery
    reason: str = ""
    is_repeatable: bool = False


@dataclass
class DeliveryReport:
    """Connection ids by what became of their frame; `untried` ran out of time.

    `failures` counts why frames failed, `retried` the attempts beyond each connection's first.
    """

    delivered: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    untried: list[str] = field(default_factory=list[str])
    failures: Counter[str] = field(default_factory=Counter[str])
    retried: int = 0

    def add(self, connection_id: str, attempt: Attempt) -> None:
        getattr(self, attempt.delivery.value).append(connection_id)
        if attempt.delivery is Delivery.FAILED:
            self.failures[attempt.reason] += 1


def deliver_all(
    connection_ids: Iterable[str],
    attempt: Callable[[str], Attempt | None],
    *,
    until_seconds: float,
    concurrent: int = CONCURRENT_POSTS,
) -> DeliveryReport:
    """Run `attempt` for each connection, `concurrent` at once, and again, after growing pauses, for
    those worth repeating; start none after `until_seconds` (monotonic clock).

    A connection that hangs holds up only its worker. A None is left out of the report.
    """
    deliveries = _Deliveries(connection_ids, attempt, until_seconds)
    workers = min(deliveries.size, concurrent)
    if workers <= 1:
        deliveries.work()
    else:
        with ThreadPoolExecutor(workers) as pool:
            for working in [pool.submit(deliveries.work) for _ in range(workers)]:
                working.result()
    return deliveries.report


class _Due(NamedTuple):
    connection_id: str
    attempts: int = 0
    at_seconds: float = 0
    last: Attempt = Attempt(Delivery.UNTRIED)


class _Deliveries:
    """A queue that several workers empty; what is worth repeating goes back to its end.

    The worker that puts something back goes on until the queue is empty: nothing is left behind.
    """

    def __init__(
        self,
        connection_ids: Iterable[str],
        attempt: Callable[[str], Attempt | None],
        until_seconds: float,
    ) -> None:
        self.report = DeliveryReport()
        self._due = deque(_Due(each) for each in connection_ids)
        self.size = len(self._due)
        self._attempt = attempt
        self._until_seconds = until_seconds
        self._reporting = Lock()

    def work(self) -> None:
        while True:
            try:
                due = self._due.popleft()
            except IndexError:
                return
            now_seconds = time.monotonic()
            if max(due.at_seconds, now_seconds) >= self._until_seconds:
                self._report(due.connection_id, due.last)
                continue
            if due.at_seconds > now_seconds:
                time.sleep(due.at_seconds - now_seconds)
            self._deliver(due)

    def _deliver(self, due: _Due) -> None:
        attempt = self._attempt(due.connection_id)
        attempts = due.attempts + 1
        if attempt is not None and attempt.is_repeatable and attempts < ATTEMPTS:
            at_seconds = time.monotonic() + backoff_seconds(attempts)
            self._due.append(_Due(due.connection_id, attempts, at_seconds, attempt))
        elif attempt is not None:
            self._report(due.connection_id, attempt)
        if due.attempts:
            with self._reporting:
                self.report.retried += 1

    def _report(self, connection_id: str, attempt: Attempt) -> None:
        with self._reporting:
            self.report.add(connection_id, attempt)
