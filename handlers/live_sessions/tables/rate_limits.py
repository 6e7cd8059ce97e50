"""How often a client may: fixed windows, one update each.

A table that cannot be asked lets everything pass and raises the metric RateLimitsUnavailable.
"""

import ipaddress
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.attributes import typed
from live_sessions.protocol.refusals import rate_limited
from live_sessions.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

IPV6_SITE_BITS = 64
"""One site's addresses: a client may take any of them."""


@dataclass(frozen=True)
class RateLimit:
    """`limit` of a `kind`, such as `joins`, in each window, for each subject."""

    kind: str
    limit: int
    window_seconds: int


def per_minute(kind: str, limit: int) -> RateLimit:
    return RateLimit(kind, limit, 60)


def per_hour(kind: str, limit: int) -> RateLimit:
    return RateLimit(kind, limit, 3600)


class RateLimits:
    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def require(self, rate: RateLimit, subject: str, *, at_ms: int) -> None:
        """Count one more; raises ProtocolError with RATE_LIMITED when the window is full."""
        window, elapsed_ms = divmod(at_ms, rate.window_seconds * 1000)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"identifier": f"{rate.kind}:{subject}:{window}"}),
                UpdateExpression="ADD hits :one SET #ttl = :ttl",
                ConditionExpression="attribute_not_exists(hits) OR hits < :limit",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=typed(
                    {
                        ":one": 1,
                        ":limit": rate.limit,
                        ":ttl": (window + 2) * rate.window_seconds,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            count(RateLimited=1)
            left_seconds = math.ceil(rate.window_seconds - elapsed_ms / 1000)
            raise rate_limited(rate.kind, left_seconds) from None
        except (ClientError, BotoCoreError):
            count(RateLimitsUnavailable=1)
            logger.warning("A rate limit could not be asked for", extra={"rate": rate.kind})


def site_of(address: str) -> str:
    """A client's address as a subject: an IPv4 address, or an IPv6 address's site."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_SITE_BITS), strict=False))
