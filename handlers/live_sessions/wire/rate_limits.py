"""Rate limits: fixed windows of the clock, counted by one DynamoDB update per message.

If the table cannot be reached, messages pass and the metric RateLimitsUnavailable rises.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.actions import Rate
from live_sessions.aws.dynamodb import typed
from live_sessions.aws.runtime import emit, logger
from live_sessions.wire.refusals import rate_limited

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE_SECONDS = 60
WINDOW_SECONDS: Mapping[Rate, int] = {
    rate: 3600 if rate is Rate.SESSIONS else MINUTE_SECONDS for rate in Rate
}
"""How long each rate's window is."""


class RateLimits:
    """`limits` has the most messages in one window for each rate that is checked."""

    def __init__(
        self, client: "DynamoDBClient", table_name: str, limits: Mapping[Rate, int]
    ) -> None:
        self._client = client
        self._table = table_name
        self._limits = limits

    def require(self, rate: Rate, subject: str, *, at_ms: int) -> None:
        """Count one more of `subject`'s; raises ProtocolError with RATE_LIMITED over the limit."""
        window_seconds = WINDOW_SECONDS[rate]
        window, elapsed_ms = divmod(at_ms, window_seconds * 1000)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"identifier": f"{rate}:{subject}:{window}"}),
                UpdateExpression="ADD hits :one SET #ttl = :ttl",
                ConditionExpression="attribute_not_exists(hits) OR hits < :limit",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=typed(
                    {
                        ":one": 1,
                        ":limit": self._limits[rate],
                        ":ttl": (window + 2) * window_seconds,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            emit({metrics.RATE_LIMITED: 1})
            left_seconds = math.ceil(window_seconds - elapsed_ms / 1000)
            raise rate_limited(rate, left_seconds) from None
        except (ClientError, BotoCoreError):
            emit({metrics.RATE_LIMITS_UNAVAILABLE: 1})
            logger.warning("A rate limit could not be checked", extra={"rate": rate})
