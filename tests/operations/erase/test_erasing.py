"""make erase: what a stack has of one session goes, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.tables import CAPTIONS, SESSIONS
from contract.transcripts import bucket_name
from operations.erase.erasing import Erased, EraseError, Eraser

ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = "live-sessions-staging"
BUCKET = bucket_name(PREFIX, ACCOUNT, REGION)
SESSION = "golden-eagle-427"


@cache
def client(service: str) -> Any:
    return boto3.client(  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownMemberType]
        service,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mock_aws():
        client.cache_clear()
        for table in (SESSIONS, CAPTIONS):
            client("dynamodb").create_table(
                TableName=f"{PREFIX}-{table.name}",
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(table.key, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": table.key_types[name]}
                    for name in table.key
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        yield
        client.cache_clear()


def put_session(**attributes: Any) -> None:
    item = {"sessionId": {"S": SESSION}, **attributes}
    client("dynamodb").put_item(TableName=f"{PREFIX}-sessions", Item=item)


def put_captions(partition: str, count: int) -> None:
    for sequence in range(count):
        client("dynamodb").put_item(
            TableName=f"{PREFIX}-captions",
            Item={"sessionLanguage": {"S": partition}, "sequence": {"N": str(sequence)}},
        )


def put_files(*keys: str) -> None:
    client("s3").create_bucket(Bucket=BUCKET)
    for key in keys:
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"said")


def files() -> set[str]:
    return {each["Key"] for each in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]}


def erase() -> Erased:
    return Eraser("staging", client).erase(SESSION)


def rows(table: str) -> int:
    return client("dynamodb").scan(TableName=f"{PREFIX}-{table}")["Count"]


def test_captions_of_every_language_the_transcript_and_the_row_are_erased() -> None:
    put_session(endedAt={"N": "2"})
    put_captions(f"{SESSION}#en", 30)
    put_captions(f"{SESSION}#es-MX", 2)
    put_files(
        f"user-1/{SESSION}/1/en.txt", f"user-1/{SESSION}/1/en.json", "user-1/other-1/1/en.txt"
    )
    assert erase() == Erased(captions=32, files=2, had_row=True)
    assert (rows("sessions"), rows("captions")) == (0, 0)
    assert files() == {"user-1/other-1/1/en.txt"}


def test_nothing_of_another_session_is_erased() -> None:
    put_captions(f"{SESSION}-2#en", 1)
    put_files(f"user-1/{SESSION}-2/1/en.txt", f"{SESSION}/other-1/1/en.txt")
    assert erase() == Erased(captions=0, files=0, had_row=False)
    assert rows("captions") == 1
    assert len(files()) == 2


def test_a_transcript_is_found_after_the_sessions_row_is_gone() -> None:
    put_files(
        f"user%2F1/{SESSION}/1/en.txt", f"user-2/{SESSION}/7/en.txt", "user-3/other-1/1/x.txt"
    )
    assert erase() == Erased(captions=0, files=2, had_row=False)
    assert files() == {"user-3/other-1/1/x.txt"}


def test_a_stack_without_transcripts_has_captions_to_erase() -> None:
    put_captions(f"{SESSION}#en", 1)
    assert erase() == Erased(captions=1, files=0, had_row=False)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({}, "has not ended"),
        ({"endedAt": {"N": "2"}, "activeShard": {"N": "0"}}, "still being closed"),
    ],
)
def test_a_session_that_is_not_over_is_left_alone(attributes: dict[str, Any], why: str) -> None:
    put_session(**attributes)
    put_captions(f"{SESSION}#en", 1)
    with pytest.raises(EraseError, match=why):
        erase()
    assert (rows("sessions"), rows("captions")) == (1, 1)
