"""The clients' sockets through @connections: what happened to a frame is a value, not an error."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions import clients

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

CONCURRENT_POSTS = 32


class SocketsUnavailable(Exception):
    """API Gateway could not be asked about a connection."""


class Delivery(StrEnum):
    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    UNTRIED = "untried"


@dataclass
class DeliveryReport:
    """Connection ids by what became of their frame; `untried` ran out of time."""

    delivered: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    untried: list[str] = field(default_factory=list[str])

    def add(self, connection_id: str, delivery: Delivery) -> None:
        getattr(self, delivery.value).append(connection_id)


class Sockets:
    def __init__(self, api: "ApiGatewayManagementApiClient") -> None:
        self._api = api

    @classmethod
    def at(cls, endpoint: str, *, attempts: int = 2) -> "Sockets":
        """The sockets behind a stage's management endpoint."""
        return cls(
            clients.connections_api(endpoint, connections=CONCURRENT_POSTS, attempts=attempts)
        )

    def post(self, connection_id: str, data: bytes) -> Delivery:
        """Post one frame; throttling and outages are FAILED after the client's retries."""
        try:
            self._api.post_to_connection(ConnectionId=connection_id, Data=data)
        except self._api.exceptions.GoneException:
            return Delivery.GONE
        except (ClientError, BotoCoreError):
            return Delivery.FAILED
        return Delivery.DELIVERED

    def post_all(self, frames: Mapping[str, bytes], *, until_seconds: float) -> DeliveryReport:
        """Post each connection its frame, concurrently; see `deliver_all`."""
        return deliver_all(
            frames,
            lambda connection_id: self.post(connection_id, frames[connection_id]),
            until_seconds=until_seconds,
        )

    def is_open(self, connection_id: str) -> bool:
        """False once API Gateway knows the connection no more.

        Raises SocketsUnavailable when it cannot say.
        """
        try:
            self._api.get_connection(ConnectionId=connection_id)
        except self._api.exceptions.GoneException:
            return False
        except (ClientError, BotoCoreError) as failure:
            # Its text holds the URL, and that the connection's id.
            raise SocketsUnavailable(type(failure).__name__) from None
        return True


def deliver_all(
    connection_ids: Iterable[str],
    deliver: Callable[[str], Delivery | None],
    *,
    until_seconds: float,
) -> DeliveryReport:
    """Run `deliver` for each connection, concurrently, starting none after `until_seconds`
    (monotonic clock); a None is left out of the report.
    """

    def deliver_in_time(connection_id: str) -> Delivery | None:
        if time.monotonic() >= until_seconds:
            return Delivery.UNTRIED
        return deliver(connection_id)

    ordered = list(connection_ids)
    report = DeliveryReport()
    with ThreadPoolExecutor(max_workers=CONCURRENT_POSTS) as pool:
        for connection_id, delivery in zip(
            ordered, pool.map(deliver_in_time, ordered), strict=True
        ):
            if delivery is not None:
                report.add(connection_id, delivery)
    return report
