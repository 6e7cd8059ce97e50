"""The clients' sockets through @connections: what happened to a frame is a value, not an error."""

import time
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

from live_sessions import environment
from live_sessions.aws.backoff import backoff_seconds, repeated
from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer
from live_sessions.environment import AwsEnvironment
from live_sessions.posts.deliveries import (
    CONCURRENT_POSTS,
    Attempt,
    Delivery,
    DeliveryReport,
    deliver_all,
)
from live_sessions.telemetry import hashed, logger

POST_TIMEOUT_SECONDS = 1
"""Of a post that a client waits for: two attempts stay below every integration timeout."""

FAN_OUT_TIMEOUT_SECONDS = 3


class Sockets:
    def __init__(self, api: AwsHttp) -> None:
        self._api = api

    @classmethod
    def at(cls, endpoint: str, *, timeout_seconds: float = POST_TIMEOUT_SECONDS) -> "Sockets":
        """The sockets behind a stage's management endpoint; `timeout_seconds` is per attempt."""
        return cls(_connections_api(endpoint, timeout_seconds))

    def post(self, connection_id: str, data: bytes) -> Delivery:
        """Post one frame, with a second attempt where the first is known to have had no effect."""
        attempt = self.attempt(connection_id, data)
        if attempt.is_repeatable:
            time.sleep(backoff_seconds(1))
            attempt = self.attempt(connection_id, data)
        if attempt.delivery is Delivery.FAILED:
            logger.warning(
                "A post failed",
                extra={"connection": hashed(connection_id), "reason": attempt.reason},
            )
        return attempt.delivery

    def attempt(self, connection_id: str, data: bytes) -> Attempt:
        """Post one frame once.

        A time-out after sending is not worth repeating: a client must not get a frame twice.
        """
        try:
            status = self._api.request("POST", _path(connection_id), data).status
        except NoAnswer as failure:
            return Attempt(Delivery.FAILED, failure.reason, not failure.may_have_arrived)
        if status < 300:
            return Attempt(Delivery.DELIVERED)
        if status == 410:
            return Attempt(Delivery.GONE)
        # 429 stands for the account's rate and for a client's full buffer.
        return Attempt(Delivery.FAILED, f"status {status}", status == 429 or status >= 500)

    def post_all(
        self,
        frames: Mapping[str, bytes],
        *,
        until_seconds: float,
        concurrent: int = CONCURRENT_POSTS,
    ) -> DeliveryReport:
        """Post each connection its frame, concurrently; see `deliver_all`."""
        return deliver_all(
            frames,
            lambda connection_id: self.attempt(connection_id, frames[connection_id]),
            until_seconds=until_seconds,
            concurrent=concurrent,
        )

    def close(self, connection_id: str) -> None:
        """Have API Gateway close the socket, once; that it failed is logged."""
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
        """False once API Gateway knows the connection no more.

        Raises NoAnswer or CallFailed when it cannot say.
        """
        return repeated(
            lambda: self._ask_whether_open(connection_id),
            attempts=2,
            is_passing=lambda failure: isinstance(failure, NoAnswer | CallFailed),
        )

    def _ask_whether_open(self, connection_id: str) -> bool:
        status = self._api.request("GET", _path(connection_id)).status
        if status not in (200, 410):
            raise CallFailed(status, "")
        return status == 200


@cache
def _connections_api(endpoint: str, timeout_seconds: float) -> AwsHttp:
    aws = environment.read(AwsEnvironment)
    return AwsHttp(endpoint, "execute-api", aws, timeout_seconds=timeout_seconds)


def _path(connection_id: str) -> str:
    return f"/@connections/{quote(connection_id, safe='')}"
