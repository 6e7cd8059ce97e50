"""What a stack has of one session: its captions, its transcripts, and its row.

The row goes last: as long as it is there, the session's id is not given to another one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from components.settings import physical_prefix
from contract.languages import TARGET_LANGUAGES
from contract.tables import CAPTIONS, SESSIONS, caption_partition
from contract.transcripts import bucket_name, session_in

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
BATCH_LIMIT_ITEMS = 25
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
BATCH_LIMIT_KEYS = 1000


class EraseError(Exception):
    """The session cannot be erased; the message says why, and what to do."""


@dataclass(frozen=True)
class Erased:
    """How much was there; `had_row`: whether the session's row still was."""

    captions: int
    files: int
    had_row: bool


@dataclass(frozen=True)
class Eraser:
    """Erases sessions of a stack; `client` returns boto3's clients for its account."""

    stack: str
    client: Callable[[str], Any]

    def erase(self, session_id: str) -> Erased:
        """Erase the session; raises EraseError if it is not over, and botocore's errors."""
        had_row = self._require_over(session_id)
        captions = sum(
            self._erase_captions(caption_partition(session_id, language))
            for language in sorted(TARGET_LANGUAGES)
        )
        files = self._erase_files(session_id)
        if had_row:
            self.client("dynamodb").delete_item(
                TableName=self._table(SESSIONS.name), **_key(session_id)
            )
        return Erased(captions, files, had_row)

    def _table(self, name: str) -> str:
        return f"{physical_prefix(self.stack)}-{name}"

    def _require_over(self, session_id: str) -> bool:
        row = (
            self.client("dynamodb")
            .get_item(TableName=self._table(SESSIONS.name), ConsistentRead=True, **_key(session_id))
            .get("Item")
        )
        if row is not None and "endedAt" not in row:
            raise EraseError(
                f"the session {session_id} has not ended: end it first, as docs/operations.md"
                " describes, and erase it some minutes later"
            )
        if row is not None and "activeShard" in row:
            raise EraseError(
                f"the session {session_id} is still being closed, and its transcript would be"
                " written afterwards: try again in a few minutes"
            )
        return row is not None

    def _erase_captions(self, partition: str) -> int:
        dynamodb, table = self.client("dynamodb"), self._table(CAPTIONS.name)
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="sessionLanguage = :partition",
            ProjectionExpression="sessionLanguage, #sequence",
            ExpressionAttributeNames={"#sequence": "sequence"},
            ExpressionAttributeValues={":partition": {"S": partition}},
            ConsistentRead=True,
        )
        keys = [item for page in pages for item in page["Items"]]
        for first in range(0, len(keys), BATCH_LIMIT_ITEMS):
            left = [
                {"DeleteRequest": {"Key": key}} for key in keys[first : first + BATCH_LIMIT_ITEMS]
            ]
            while left:
                answer = dynamodb.batch_write_item(RequestItems={table: left})
                left = answer.get("UnprocessedItems", {}).get(table, [])
        return len(keys)

    def _erase_files(self, session_id: str) -> int:
        """Of every user: the session's row, which names its user, may be gone."""
        s3, bucket = self.client("s3"), self._bucket()
        try:
            users = list(_folders(s3, bucket))
        except ClientError as failure:
            if failure.response.get("Error", {}).get("Code") == "NoSuchBucket":
                return 0
            raise
        keys = [
            item["Key"]
            for user in users
            for page in s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=session_in(user, session_id)
            )
            for item in page.get("Contents", [])
        ]
        for first in range(0, len(keys), BATCH_LIMIT_KEYS):
            batch = [{"Key": key} for key in keys[first : first + BATCH_LIMIT_KEYS]]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if errors := answer.get("Errors"):
                raise EraseError(
                    f"{len(errors)} files of the transcript are still there"
                    f" ({errors[0].get('Code')}): allow s3:DeleteObject to the caller, or try again"
                )
        return len(keys)

    def _bucket(self) -> str:
        account = self.client("sts").get_caller_identity()["Account"]
        region = self.client("dynamodb").meta.region_name
        return bucket_name(physical_prefix(self.stack), account, region)


def _key(session_id: str) -> dict[str, Any]:
    return {"Key": {SESSIONS.hash_key: {"S": session_id}}}


def _folders(s3: Any, bucket: str) -> Iterator[str]:
    """Each user's folder."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/")
    for page in pages:
        yield from (each["Prefix"] for each in page.get("CommonPrefixes", []))
