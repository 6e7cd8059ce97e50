"""Rate limits: fixed windows of the clock, counted by one DynamoDB update per message.

If the table cannot be reached, the metric RateLimitsUnavailable rises, and messages pass where the
caller does not need the count.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from contract.actions import Rate
from live_sessions.aws.dynamodb import typed
from live_sessions.aws.runtime import emit, logger
from live_sessions.wire.refusals import rate_limited, try_again

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

    def require(
        self,
        rate: Rate,
        subject: str,
        *,
        at_ms: int,
        counted: bool = True,
        must_be_known: bool = False,
    ) -> None:
        """Count one more of `subject`'s; raises ProtocolError with RATE_LIMITED over the limit.

        What is not `counted` is refused at the limit like what is. It is a write as well: whoever
        compares the two must not see one of them before the other. With `must_be_known`, raises
        ProtocolError with SERVICE_UNAVAILABLE if the table cannot be reached.
        """
        window_seconds = WINDOW_SECONDS[rate]
        window, elapsed_ms = divmod(at_ms, window_seconds * 1000)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"identifier": f"{rate}:{subject}:{window}"}),
                UpdateExpression="ADD hits :hits SET #ttl = :ttl",
                ConditionExpression="attribute_not_exists(hits) OR hits < :limit",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=typed(
                    {
                        ":hits": int(counted),
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
            if must_be_known:
                raise try_again() from None
