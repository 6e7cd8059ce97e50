"""The slots' queues: a chunk is put into the one of its session, and deleted when it is taken."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.audio.chunks import Chunk
from live_sessions.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""


class ChunkQueues:
    """`url_prefix` and a slot's number are its queue's URL."""

    def __init__(self, client: "Callable[[], SQSClient]", url_prefix: str) -> None:
        self._client = client
        self._url_prefix = url_prefix

    def send(self, slot: int, chunk: Chunk) -> None:
        self._client().send_message(
            QueueUrl=f"{self._url_prefix}{slot}",
            MessageBody=msgspec.json.encode(chunk).decode(),
        )

    def take(self, slot: int, *, wait_seconds: int) -> list[Chunk]:
        """Some chunks, ten at most, in any order; none after `wait_seconds` without one."""
        url = f"{self._url_prefix}{slot}"
        response = self._client().receive_message(
            QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=wait_seconds
        )
        messages = response.get("Messages", [])
        if messages:
            self._delete(url, messages)
        return [chunk for message in messages if (chunk := _read(message)) is not None]

    def _delete(self, url: str, messages: "list[MessageTypeDef]") -> None:
        """Those that stay come again, and are known then."""
        try:
            self._client().delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.get("ReceiptHandle", "")}
                    for number, message in enumerate(messages)
                ],
            )
        except (ClientError, BotoCoreError):
            logger.exception("Chunks that were taken are still in their queue")


def _read(message: "MessageTypeDef") -> Chunk | None:
    try:
        return msgspec.json.decode(message.get("Body", ""), type=Chunk)
    except msgspec.MsgspecError:
        count(ChunksUnreadable=1)
        return None
