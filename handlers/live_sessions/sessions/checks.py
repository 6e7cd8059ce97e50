"""Work that another invocation does: the fan-out at once, checks on a session after a delay."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from live_sessions.aws.asynchronous import AsynchronousFunction
from live_sessions.protocol import EndReason

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SECOND_PASS_DELAY_SECONDS = 5
"""After an end, the listeners index is asked again: a join just before may not have been in it."""


class Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="check"):
    """A message of the session-checks queue."""

    session_id: str


class SpeakerLostCheck(Check, frozen=True, kw_only=True, tag="speakerLost"):
    """End the session if this is still its speaker's connection."""

    connection_id: str


class ExpiryCheck(Check, frozen=True, kw_only=True, tag="expiry"):
    """End the session if its life is over."""


class SecondPassCheck(Check, frozen=True, kw_only=True, tag="secondPass"):
    """Tell the listeners whom the first pass did not see."""


class OperatorEndCheck(Check, frozen=True, kw_only=True, tag="operatorEnd"):
    """End the session on an operator's word."""


class BroadcastCheck(Check, frozen=True, kw_only=True, tag="broadcast"):
    """Tell the listeners the broadcast's state, if that is its version still: the fan-out of the
    change could not be started, or may have missed somebody.
    """

    version: int


AnyCheck = SpeakerLostCheck | ExpiryCheck | SecondPassCheck | OperatorEndCheck | BroadcastCheck


class FanOutTask(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="task"):
    """Tell a session's listeners something: those named, or, with none named, all."""

    session_id: str
    connection_ids: list[str] | None = None


class SessionEndedFanOut(FanOutTask, frozen=True, kw_only=True, tag="sessionEnded"):
    """The session ended: each row is deleted, and whoever deletes it tells the listener."""

    reason: EndReason
    speaker_connection_id: str


class FrameFanOut(FanOutTask, frozen=True, kw_only=True, tag="frame"):
    """Post the same frame, JSON text, to every listener."""

    frame: str


AnyFanOutTask = SessionEndedFanOut | FrameFanOut


class FanOut(AsynchronousFunction[AnyFanOutTask]):
    """The fan-out function."""


SQS_BATCH_LIMIT = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""


def send_batches(client: "SQSClient", queue_url: str, messages: Sequence[tuple[bytes, int]]) -> int:
    """Send messages, each with its delay in seconds, ten at a time; what the queue refuses is sent
    once more. Returns how many it refused twice.
    """
    refused = 0
    for first in range(0, len(messages), SQS_BATCH_LIMIT):
        batch: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": body.decode(), "DelaySeconds": delay_seconds}
            for number, (body, delay_seconds) in enumerate(
                messages[first : first + SQS_BATCH_LIMIT]
            )
        ]
        for _ in range(2):
            response = client.send_message_batch(QueueUrl=queue_url, Entries=batch)
            failed = {failure["Id"] for failure in response.get("Failed", [])}
            batch = [entry for entry in batch if entry["Id"] in failed]
            if not batch:
                break
        refused += len(batch)
    return refused


class SessionChecks:
    """The session-checks queue; its client is built at the first use."""

    def __init__(self, client: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, check: AnyCheck, *, delay_seconds: int) -> None:
        self._client().send_message(
            QueueUrl=self._queue_url,
            MessageBody=msgspec.json.encode(check).decode(),
            DelaySeconds=delay_seconds,
        )

    def send_all(self, checks: Sequence[tuple[AnyCheck, int]]) -> int:
        """Send checks, each with its delay in seconds; returns how many the queue refused."""
        messages = [(msgspec.json.encode(check), delay) for check, delay in checks]
        return send_batches(self._client(), self._queue_url, messages) if messages else 0
