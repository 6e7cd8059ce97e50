"""Work left to another invocation: the fan-out at once, checks on a session after a delay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from live_sessions.aws.clients import start_function
from live_sessions.wire.frames import EndReason

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SECOND_PASS_DELAY_SECONDS = 5
"""After a session's end the listeners index is read again: it may lag behind a join just before."""

CLOSING_DELAY_SECONDS = 55
"""An ended session stays in the active index this long, for joins that the index showed late, and
for its last words: no invocation that began within LAST_WORDS_SECONDS is still running then.
"""

CLOSING_MARGIN_SECONDS = 2
"""A check that comes too soon for the clock of another function leaves the session to reconcile."""


class Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="check"):
    """A message of the session-checks queue: look at a session after a delay."""

    session_id: str


class SpeakerLostCheck(Check, frozen=True, kw_only=True, tag="speakerLost"):
    """End the session if this is still its speaker's connection."""

    connection_id: str


class ExpiryCheck(Check, frozen=True, kw_only=True, tag="expiry"):
    """End the session if it has expired."""


class SecondPassCheck(Check, frozen=True, kw_only=True, tag="secondPass", omit_defaults=True):
    """Notify the listeners that the first pass after the session's end missed.

    The closing one comes when there is nothing left to wait for, so that a session's transcript is
    written then, and not at reconcile's next turn. Earlier releases do not know `is_closing`.
    """

    is_closing: bool = False


class OperatorEndCheck(Check, frozen=True, kw_only=True, tag="operatorEnd"):
    """End the session, as an operator asked."""


class BroadcastCheck(Check, frozen=True, kw_only=True, tag="broadcast"):
    """Send the broadcast state to the listeners again, if its version is still the same.

    The fan-out of the change could not be started, or may have missed a listener.
    """

    version: int


AnyCheck = SpeakerLostCheck | ExpiryCheck | SecondPassCheck | OperatorEndCheck | BroadcastCheck


class FanOutTask(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="task"):
    """Send something to the listeners of a session: those named, or, if None, all of them."""

    session_id: str
    connection_ids: list[str] | None = None


class SessionEndedFanOut(FanOutTask, frozen=True, kw_only=True, tag="sessionEnded"):
    """The session ended: each member gets the frame, and then its row is deleted.

    `ended_at` is epoch milliseconds; tasks of earlier releases do not have it.
    """

    reason: EndReason
    speaker_connection_id: str
    ended_at: int | None = None


class FrameFanOut(FanOutTask, frozen=True, kw_only=True, tag="frame"):
    """Post the same frame, JSON text, to every listener.

    `version` is that of the broadcast state which the frame announces, if it announces one.
    """

    frame: str
    version: int | None = None


AnyFanOutTask = SessionEndedFanOut | FrameFanOut


class CaptionPage(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="task", tag="captions"
):
    """Post one caption to a page of listeners: by language its frame, JSON text, and its readers.

    Whoever starts this task waits for its `PostCounts`. No post starts later than `posting_seconds`
    after the invocation, no removal of a gone listener later than `removing_seconds` after that.
    """

    session_id: str
    frames: dict[str, str]
    listeners: dict[str, list[str]]
    concurrent_posts: int
    posting_seconds: float
    removing_seconds: float


@dataclass(frozen=True)
class FanOut:
    """The fan-out function, for others to start; its client is built at the first use."""

    client: "Callable[[], LambdaClient]"
    function_name: str

    def start(self, task: AnyFanOutTask) -> None:
        """Start an invocation and do not wait for it; raises botocore's errors."""
        start_function(self.client(), self.function_name, task)


class TranscriptTask(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Write the transcript of a session that has ended; times are epoch milliseconds.

    It has all that is needed, since the session's row may be gone when a failed task is repeated.
    """

    session_id: str
    user_id: str
    source_language: str
    created_at: int
    ended_at: int


class TranscriptQueue:
    """The queue of transcripts to write, for senders; its client is built at the first use."""

    def __init__(self, client: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, task: TranscriptTask) -> None:
        """Send one task; raises botocore's errors."""
        self._client().send_message(
            QueueUrl=self._queue_url, MessageBody=msgspec.json.encode(task).decode()
        )


SQS_BATCH_LIMIT = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""


def send_batches(client: "SQSClient", queue_url: str, messages: Sequence[tuple[bytes, int]]) -> int:
    """Send messages, each with its delay in seconds, ten at a time.

    What the queue refuses is sent once more; returns how many messages it refused twice.
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
    """The session-checks queue, for senders; its client is built at the first use."""

    def __init__(self, client: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, check: AnyCheck, *, delay_seconds: int) -> None:
        """Send one check; raises botocore's errors."""
        self._client().send_message(
            QueueUrl=self._queue_url,
            MessageBody=msgspec.json.encode(check).decode(),
            DelaySeconds=delay_seconds,
        )

    def send_all(self, checks: Sequence[tuple[AnyCheck, int]]) -> int:
        """Send checks, each with its delay in seconds; returns how many the queue refused."""
        messages = [(msgspec.json.encode(check), delay) for check, delay in checks]
        return send_batches(self._client(), self._queue_url, messages) if messages else 0
