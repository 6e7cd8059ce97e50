"""The bucket of transcripts: `{user}/{session}/{createdAt}/{language}.{format}`.

The key holds the user and the time of creation: the owner is known after the session's row is gone,
and a session that gets the id of an earlier one overwrites nothing. A transcript is complete once
its source language is there as JSON, which is written last. No file is written twice: a task that
is delivered twice may read captions while they are deleted.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contract.transcripts import session_folder
from live_sessions.captions.transcript_files import Transcript, files_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE_LANGUAGE = "source-language"
"""The metadata of every file that names the language which was spoken."""

COMPLETING_FORMAT = "json"

NOT_FOUND = "404"
"""The error of HeadObject, whose response has no body with a code:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""

ALREADY_THERE = "PreconditionFailed"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""


@dataclass(frozen=True, kw_only=True)
class TranscriptFolder:
    """Where the files of one session's transcript are; `created_at` is epoch milliseconds."""

    user_id: str
    session_id: str
    created_at: int

    def key(self, language: str, file_format: str) -> str:
        """The key of one file."""
        folder = session_folder(self.user_id, self.session_id)
        return f"{folder}{self.created_at}/{language}.{file_format}"


class TranscriptStore:
    """Writes transcripts; its methods raise botocore's errors."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def is_complete(self, folder: TranscriptFolder, source_language: str) -> bool:
        """Whether the transcript was written to its end."""
        try:
            self._client.head_object(
                Bucket=self._bucket, Key=folder.key(source_language, COMPLETING_FORMAT)
            )
        except ClientError as failure:
            if failure.response.get("Error", {}).get("Code") == NOT_FOUND:
                return False
            raise
        return True

    def write(self, folder: TranscriptFolder, transcript: Transcript) -> bool:
        """Write the files of one language that are not there; whether any was written."""
        written = 0
        for file_format, content, content_type in files_of(transcript):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=folder.key(transcript.language, file_format),
                    Body=content,
                    ContentType=content_type,
                    Metadata={SOURCE_LANGUAGE: transcript.source_language},
                    IfNoneMatch="*",
                )
            except ClientError as failure:
                if failure.response.get("Error", {}).get("Code") != ALREADY_THERE:
                    raise
            else:
                written += 1
        return written > 0
