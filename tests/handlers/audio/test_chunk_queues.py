"""A slot's queue: chunks arrive, normally once, and unreadable ones do not affect the rest."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from live_sessions.audio.chunks import ChunkQueues
from tests.handlers.audio.chunk_maker import chunk
from tests.handlers.conftest import Stage
from tests.handlers.environment import ENVIRONMENT

PREFIX = ENVIRONMENT["AUDIO_QUEUE_URL_PREFIX"]


def queues(stage: Stage) -> ChunkQueues:
    return ChunkQueues(stage.sqs, PREFIX)


def test_what_was_sent_to_a_slot_is_taken_from_it_and_from_no_other(stage: Stage) -> None:
    sent = chunk(audio=bytes(range(256)) * 90)
    queues(stage).send(1, sent)
    assert queues(stage).take(0, wait_seconds=0) == []
    assert queues(stage).take(1, wait_seconds=0) == [sent]


def test_what_was_taken_is_deleted(stage: Stage) -> None:
    queues(stage).send(0, chunk())
    queues(stage).take(0, wait_seconds=0)
    assert stage.queued("audio-0") == []


def test_ten_at_most_are_taken_and_the_rest_stays(stage: Stage) -> None:
    for sequence in range(12):
        queues(stage).send(0, chunk(sequence=sequence))
    first, second = (queues(stage).take(0, wait_seconds=0) for _ in range(2))
    assert len(first) == 10
    assert {each.sequence for each in first + second} == set(range(12))


def test_a_message_holds_the_chunk_s_fields_and_nothing_else(stage: Stage) -> None:
    queues(stage).send(0, chunk())
    (body,) = stage.queued("audio-0")
    assert body.keys() == {
        "sessionId",
        "streamEpoch",
        "connectionId",
        "sequence",
        "arrivedAt",
        "sampleRateHertz",
        "audio",
    }


def test_a_message_of_the_release_before_has_16_khz(stage: Stage) -> None:
    queues(stage).send(0, chunk())
    (body,) = stage.queued("audio-0")
    del body["sampleRateHertz"]
    stage.sqs.send_message(QueueUrl=f"{PREFIX}0", MessageBody=json.dumps(body))
    assert queues(stage).take(0, wait_seconds=0) == [chunk()]


@pytest.mark.parametrize(
    "body", ["rubbish", "{}", "[]", '{"sessionId": 1}', '{"audio": "no base64"}']
)
def test_a_message_that_cannot_be_read_is_counted_and_costs_no_other_chunk(
    stage: Stage, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    stage.sqs.send_message(QueueUrl=f"{PREFIX}0", MessageBody=body)
    queues(stage).send(0, chunk())
    assert queues(stage).take(0, wait_seconds=0) == [chunk()]
    assert stage.queued("audio-0") == []
    assert "ChunksUnreadable" in capsys.readouterr().out


class NoDeletions:
    """SQS that refuses deletions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def delete_message_batch(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "RequestThrottled"}}, "DeleteMessageBatch")


def test_chunks_that_cannot_be_deleted_are_returned_all_the_same(stage: Stage) -> None:
    queues(stage).send(0, chunk())
    refusing = ChunkQueues(cast(Any, NoDeletions(stage.sqs)), PREFIX)
    assert refusing.take(0, wait_seconds=0) == [chunk()]
