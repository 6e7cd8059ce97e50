"""The clients' sockets through API Gateway's @connections: posting to one, and to many at once.

What happened to a frame is a value, not an error:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import NamedTuple, Self
from urllib.parse import quote

import msgspec

from live_sessions.aws.clients import Clients
from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer
from live_sessions.aws.retries import backoff_seconds, repeated
from live_sessions.aws.runtime import Clock, hashed, logger
from live_sessions.wire.frames import Frame

POST_TIMEOUT_SECONDS = 1
"""For a post that a client waits for: two attempts fit into every integration timeout."""

FAN_OUT_TIMEOUT_SECONDS = 3
CONCURRENT_POSTS = 48
ATTEMPTS = 4
"""Attempts per post when posting to many sockets."""


class Delivery(StrEnum):
    """What happened to a frame; UNTRIED: there was no time left to post it."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    UNTRIED = "untried"


class PostResult(NamedTuple):
    """The result of one post; a failed one has a reason and may be worth retrying."""

    delivery: Delivery
    reason: str = ""
    is_retryable: bool = False


@dataclass
class DeliveryReport:
    """Connection ids by what happened to their frame.

    `failures` counts the reasons of failed posts, `retried` the attempts after each first one.
    """

    delivered: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    untried: list[str] = field(default_factory=list[str])
    failures: Counter[str] = field(default_factory=Counter[str])
    retried: int = 0

    def add(self, connection_id: str, result: PostResult) -> None:
        """Record the last result of a connection."""
        getattr(self, result.delivery.value).append(connection_id)
        if result.delivery is Delivery.FAILED:
            self.failures[result.reason] += 1


class Sockets:
    """The sockets of one stage."""

    def __init__(
        self,
        api: AwsHttp,
        clock: Clock,
        threads: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._api = api
        self._clock = clock
        self._threads = threads

    @classmethod
    def at(
        cls,
        endpoint: str,
        clients: Clients,
        clock: Clock,
        *,
        timeout_seconds: float = POST_TIMEOUT_SECONDS,
    ) -> Self:
        """The sockets behind a stage's management endpoint; `timeout_seconds` is per attempt."""
        api = clients.http(endpoint, "execute-api", timeout_seconds=timeout_seconds)
        return cls(api, clock, clients.threads)

    def post(self, connection_id: str, frame: Frame) -> Delivery:
        """Post one frame, with a second attempt if the first is known to have had no effect."""
        data = msgspec.json.encode(frame)
        result = self.post_once(connection_id, data)
        if result.is_retryable:
            self._clock.sleep(backoff_seconds(1))
            result = self.post_once(connection_id, data)
        if result.delivery is Delivery.FAILED:
            logger.warning(
                "A post failed",
                extra={"connection": hashed(connection_id), "reason": result.reason},
            )
        return result.delivery

    def post_once(self, connection_id: str, data: bytes) -> PostResult:
        """Post one encoded frame once.

        A timeout after sending is not retryable: a client must not get a frame twice.
        """
        try:
            status = self._api.request("POST", _path(connection_id), data).status
        except NoAnswer as failure:
            return PostResult(Delivery.FAILED, failure.reason, not failure.may_have_arrived)
        if status < 300:
            return PostResult(Delivery.DELIVERED)
        if status == 410:
            return PostResult(Delivery.GONE)
        # 429: the account's rate is exceeded, or the client's buffer is full.
        return PostResult(Delivery.FAILED, f"status {status}", status == 429 or status >= 500)

    def post_all(
        self,
        frames: Mapping[str, bytes],
        *,
        until_seconds: float,
        concurrent: int = CONCURRENT_POSTS,
    ) -> DeliveryReport:
        """Post each connection its encoded frame; see `deliver_all`."""
        return self.deliver_all(
            frames,
            lambda connection_id: self.post_once(connection_id, frames[connection_id]),
            until_seconds=until_seconds,
            concurrent=concurrent,
        )

    def deliver_all(
        self,
        connection_ids: Iterable[str],
        deliver: Callable[[str], PostResult | None],
        *,
        until_seconds: float,
        concurrent: int = CONCURRENT_POSTS,
    ) -> DeliveryReport:
        """Run `deliver` for each connection, `concurrent` at once, and retry after growing pauses.

        Nothing starts after `until_seconds` (of the monotonic clock). A connection that hangs
        occupies only its own worker. A connection whose result is None is left out of the report.
        """
        deliveries = _Deliveries(connection_ids, deliver, until_seconds, self._clock)
        workers = min(deliveries.size, concurrent)
        if workers <= 1:
            deliveries.work()
        else:
            with self._threads(workers) as pool:
                for working in [pool.submit(deliveries.work) for _ in range(workers)]:
                    working.result()
        return deliveries.report

    def close(self, connection_id: str) -> None:
        """Ask API Gateway once to close the socket; a failure is logged."""
        try:
            status = self._api.request("DELETE", _path(connection_id)).status
        except NoAnswer as failure:
            reason = failure.reason
        else:
            if status < 300 or status == 410:
                return
            reason = f"status {status}"
        logger.warning(
            "A socket was not closed", extra={"connection": hashed(connection_id), "reason": reason}
        )

    def is_open(self, connection_id: str) -> bool:
        """False once API Gateway no longer knows the connection.

        Raises NoAnswer or CallFailed.
        """
        return repeated(
            lambda: self._ask_whether_open(connection_id),
            attempts=2,
            is_transient=lambda failure: isinstance(failure, NoAnswer | CallFailed),
            clock=self._clock,
        )

    def _ask_whether_open(self, connection_id: str) -> bool:
        status = self._api.request("GET", _path(connection_id)).status
        if status not in (200, 410):
            raise CallFailed(status, "")
        return status == 200


def _path(connection_id: str) -> str:
    return f"/@connections/{quote(connection_id, safe='')}"


class _Due(NamedTuple):
    connection_id: str
    attempts: int = 0
    at_seconds: float = 0
    last: PostResult = PostResult(Delivery.UNTRIED)


class _Deliveries:
    """A queue that several workers empty; what is worth retrying goes back to its end.

    A worker that puts something back continues until the queue is empty, so nothing is left over.
    """

    def __init__(
        self,
        connection_ids: Iterable[str],
        deliver: Callable[[str], PostResult | None],
        until_seconds: float,
        clock: Clock,
    ) -> None:
        self.report = DeliveryReport()
        self._due = deque(_Due(each) for each in connection_ids)
        self.size = len(self._due)
        self._deliver_one = deliver
        self._until_seconds = until_seconds
        self._clock = clock
        self._reporting = Lock()

    def work(self) -> None:
        while True:
            try:
                due = self._due.popleft()
            except IndexError:
                return
            now_seconds = self._clock.monotonic()
            if max(due.at_seconds, now_seconds) >= self._until_seconds:
                self._report(due.connection_id, due.last)
                continue
            if due.at_seconds > now_seconds:
                self._clock.sleep(due.at_seconds - now_seconds)
            self._deliver(due)

    def _deliver(self, due: _Due) -> None:
        result = self._deliver_one(due.connection_id)
        attempts = due.attempts + 1
        if result is not None and result.is_retryable and attempts < ATTEMPTS:
            at_seconds = self._clock.monotonic() + backoff_seconds(attempts)
            self._due.append(_Due(due.connection_id, attempts, at_seconds, result))
        elif result is not None:
            self._report(due.connection_id, result)
        if due.attempts:
            with self._reporting:
                self.report.retried += 1

    def _report(self, connection_id: str, result: PostResult) -> None:
        with self._reporting:
            self.report.add(connection_id, result)
