"""Short speeches, each of which some audio function needs a permission for."""

import json
import secrets
import time
from itertools import product
from typing import Any

import msgspec

from client.people import Speaker
from live_sessions.audio.chunks import Chunk
from local.cloud import LocalCloud
from local.speech.faults import StreamFault
from tests.local.audio.spoken import sentence

CHUNK = sentence([1])[:3200]
CLAIM_TIMEOUT_SECONDS = 60
END_TIMEOUT_SECONDS = 60
# One more than the default of audioChunksPerSecond, for as long as a processor bears it.
EXCESS_PER_SECOND = 51
EXCESS_SECONDS = 30
SQS_BATCH = 10


def hold_session(cloud: LocalCloud) -> tuple[Speaker, str]:
    speaker = cloud.speaker()
    return speaker, speaker.create_session("en")


def send_chunk(cloud: LocalCloud) -> None:
    speaker, _ = hold_session(cloud)
    speaker.send_audio(CHUNK, 0)


def send_half_a_sample(cloud: LocalCloud) -> None:
    speaker, _ = hold_session(cloud)
    speaker.send_audio(CHUNK[:-1], 0)


def speak_to_a_spanish_listener(cloud: LocalCloud) -> None:
    speaker, session_id = hold_session(cloud)
    cloud.listener().ask("joinSession", sessionId=session_id, targetLanguage="es")
    speaker.speak(sentence(new_words()))


def speak_to_one_who_is_gone(cloud: LocalCloud) -> None:
    """The listener has a row but no socket."""
    speaker, session_id = hold_session(cloud)
    row = {
        "connectionId": {"S": f"{session_id}-gone"},
        "sessionId": {"S": session_id},
        "targetLanguage": {"S": "en"},
        "role": {"S": "listener"},
        "connectedAt": {"N": "1"},
        "ttl": {"N": str(int(time.time()) + 600)},
    }
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["connectionsTable"], Item=row)
    speaker.speak(sentence(new_words()))


def speak_what_transcribe_refuses(cloud: LocalCloud) -> None:
    cloud.speech.order(StreamFault(exception="AccessDeniedException"))
    send_chunk(cloud)


def speak_far_too_fast(cloud: LocalCloud) -> tuple[Speaker, str]:
    """The excess of half a minute, put into the slot's queue as if it had just arrived there."""
    speaker, session_id = hold_session(cloud)
    speaker.send_audio(CHUNK, 0)
    slot = claimed_slot(cloud, session_id)
    [created] = speaker.received("sessionCreated")
    began_at = int((time.time() - EXCESS_SECONDS) * 1000)
    chunks = [
        Chunk(
            session_id=session_id,
            stream_epoch=0,
            connection_id=created["connectionId"],
            sequence=sequence,
            arrived_at=began_at + second * 1000,
            audio=bytes(2),
        )
        for sequence, (second, _) in enumerate(
            product(range(EXCESS_SECONDS), range(EXCESS_PER_SECOND)), 1
        )
    ]
    for first in range(0, len(chunks), SQS_BATCH):
        cloud.client("sqs").send_message_batch(
            QueueUrl=cloud.outputs["audioQueueUrls"][slot],
            Entries=[
                {"Id": str(chunk.sequence), "MessageBody": msgspec.json.encode(chunk).decode()}
                for chunk in chunks[first : first + SQS_BATCH]
            ],
        )
    return speaker, session_id


def end_speeches(cloud: LocalCloud) -> None:
    """End the sessions that hold a slot, and wait until the processors that took them have left."""
    for session_id in claimants(cloud):
        check = {"check": "operatorEnd", "sessionId": session_id}
        cloud.client("sqs").send_message(
            QueueUrl=cloud.outputs["queueUrls"]["sessionChecks"], MessageBody=json.dumps(check)
        )
    deadline = time.monotonic() + END_TIMEOUT_SECONDS
    while left := claimants(cloud, "attribute_exists(audioClaim.processorId)"):
        assert time.monotonic() < deadline, f"processors work on for {left}"
        time.sleep(0.1)


def claimants(cloud: LocalCloud, *conditions: str) -> list[str]:
    """The sessions that hold a slot, and fulfil the conditions."""
    pages = (
        cloud.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=cloud.outputs["sessionsTable"],
            FilterExpression=" AND ".join(("audioClaim.leaseUntil > :now", *conditions)),
            ExpressionAttributeValues={":now": {"N": str(int(time.time() * 1000))}},
        )
    )
    return [row["sessionId"]["S"] for page in pages for row in page["Items"]]


def new_words() -> list[int]:
    """Words that were not translated before: the function caches earlier translations."""
    return [1 + secrets.randbelow(32_000) for _ in range(3)]


def claimed_slot(cloud: LocalCloud, session_id: str) -> int:
    deadline = time.monotonic() + CLAIM_TIMEOUT_SECONDS
    while True:
        row: dict[str, Any] = cloud.client("dynamodb").get_item(
            TableName=cloud.outputs["sessionsTable"], Key={"sessionId": {"S": session_id}}
        )["Item"]
        if "audioClaim" in row:
            return int(row["audioClaim"]["M"]["slot"]["N"])
        assert time.monotonic() < deadline, "no slot was claimed"
        time.sleep(0.1)
