"""getTranscript: a link to a file of a transcript, for the user alone who created the session.

The link is signed with keys of the reader role, which AWS gives out for this one session's files.
Unlike the function's own keys they tell when they expire, and the link expires no later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from contract.transcripts import session_folder
from live_sessions.aws.clients import Clients
from live_sessions.aws.credentials import Keys
from live_sessions.aws.runtime import Clock
from live_sessions.captions.transcript_store import (
    COMPLETING_FORMAT,
    SOURCE_LANGUAGE,
    TranscriptFolder,
)
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import Session, SessionTable
from live_sessions.wire.frames import Frame, TranscriptLink
from live_sessions.wire.messages import GetTranscript
from live_sessions.wire.refusals import (
    connection_not_found,
    not_the_speaker,
    transcript_not_available,
)
from live_sessions.wire.requests import Request

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_SECONDS = 15 * 60
"""Also the shortest time for which a role can be taken on:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

NONE_FOUND = (
    "it is written about a minute after the session's end, if keepTranscript was true and "
    "something was said, and deleted after its retention"
)


@dataclass(frozen=True)
class FoundTranscript:
    """A complete transcript: its folder, its languages, and the one that was spoken."""

    folder: TranscriptFolder
    languages: tuple[str, ...]
    source_language: str


class SessionFiles:
    """The transcripts of one user's sessions of one id, until `expires_at` (epoch milliseconds)."""

    def __init__(
        self, client: "S3Client", bucket: str, user_id: str, session_id: str, expires_at: int
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._user_id = user_id
        self._session_id = session_id
        self.expires_at = expires_at

    def find(self, created_at: int | None) -> FoundTranscript | None:
        """The transcript of the session that was created then, or of the latest one."""
        languages: dict[int, list[str]] = {}
        prefix = session_folder(self._user_id, self._session_id)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                folder, _, name = item.get("Key", "").removeprefix(prefix).partition("/")
                language, _, file_format = name.partition(".")
                if file_format == COMPLETING_FORMAT:
                    languages.setdefault(int(folder), []).append(language)
        wanted = max(languages, default=None) if created_at is None else created_at
        if wanted is None or wanted not in languages:
            return None
        folder = TranscriptFolder(
            user_id=self._user_id, session_id=self._session_id, created_at=wanted
        )
        written = tuple(languages[wanted])
        source = self._source_language(folder.key(written[0], COMPLETING_FORMAT))
        return FoundTranscript(folder, written, source) if source in written else None

    def _source_language(self, key: str) -> str:
        head = self._client.head_object(Bucket=self._bucket, Key=key)
        return head["Metadata"].get(SOURCE_LANGUAGE, "")

    def link(self, folder: TranscriptFolder, language: str, file_format: str, seconds: int) -> str:
        """A link to a file, for that many seconds; a browser saves the file."""
        name = f"{folder.session_id}.{language}.{file_format}"
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": folder.key(language, file_format),
                "ResponseContentDisposition": f'attachment; filename="{name}"',
            },
            ExpiresIn=seconds,
        )


class TranscriptReader:
    """Takes on the role that may read transcripts, for the files of one session at a time."""

    def __init__(self, clients: Clients, bucket: str, role_arn: str) -> None:
        self._clients = clients
        self._bucket = bucket
        self._role_arn = role_arn

    def files_of(self, user_id: str, session_id: str) -> SessionFiles:
        """The files of that user's sessions; raises botocore's errors."""
        taken_on = self._clients.sts().assume_role(
            RoleArn=self._role_arn,
            RoleSessionName="getTranscript",
            DurationSeconds=LINK_SECONDS,
            Policy=msgspec.json.encode(self._policy(user_id, session_id)).decode(),
        )
        given = taken_on["Credentials"]
        keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return SessionFiles(
            self._clients.s3_with(keys),
            self._bucket,
            user_id,
            session_id,
            int(given["Expiration"].timestamp() * 1000),
        )

    def _policy(self, user_id: str, session_id: str) -> Mapping[str, Any]:
        """What of the role's rights these keys have."""
        partition = self._role_arn.split(":")[1]
        bucket = f"arn:{partition}:s3:::{self._bucket}"
        folder = session_folder(user_id, session_id)
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": [f"{bucket}/{folder}*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": [bucket],
                    "Condition": {"StringEquals": {"s3:prefix": folder}},
                },
            ],
        }


@dataclass(frozen=True, kw_only=True)
class TranscriptLinks:
    """Answers getTranscript; `reader` is None where the stack has no bucket."""

    sessions: SessionTable
    connections: ConnectionTable
    reader: TranscriptReader | None
    clock: Clock

    def get_transcript(self, request: Request[GetTranscript]) -> Frame:
        """A link to one file of the transcript of a session of the caller's user.

        Raises ProtocolError with CONNECTION_NOT_FOUND, UNAUTHORIZED_ACTION or
        TRANSCRIPT_NOT_AVAILABLE.
        """
        message, user_id = request.message, request.caller.user_id or ""
        session_id = message.session_id
        if session_id is UNSET:
            session_id = self._current_session(request)
        session = self.sessions.get(session_id)
        if session is not None:
            _require_own(session, user_id)
        if self.reader is None:
            raise transcript_not_available(session_id, "this stack keeps no transcripts")
        files = self.reader.files_of(user_id, session_id)
        found = files.find(None if session is None else session.created_at)
        if found is None:
            raise transcript_not_available(session_id, NONE_FOUND)
        language = found.source_language if message.language is UNSET else message.language
        if language not in found.languages:
            written = ", ".join(found.languages)
            raise transcript_not_available(
                session_id, f"nobody read {language} during the session; there is {written}"
            )
        now_ms = self.clock.now_ms()
        seconds = min(LINK_SECONDS, (files.expires_at - now_ms) // 1000)
        return TranscriptLink(
            timestamp=now_ms,
            request_id=request.request_id,
            session_id=session_id,
            language=language,
            format=message.format,
            url=files.link(found.folder, language, message.format, seconds),
            expires_at=now_ms + seconds * 1000,
        )

    def _current_session(self, request: Request[GetTranscript]) -> str:
        session_id = self.connections.session_of(request.caller.connection_id, at_ms=request.at_ms)
        if session_id is None:
            raise connection_not_found()
        return session_id


def _require_own(session: Session, user_id: str) -> None:
    if session.speaker_user_id != user_id:
        raise not_the_speaker(session.session_id)
    if session.ended_at is None:
        raise transcript_not_available(
            session.session_id, "the session has not ended; ask about a minute after its end"
        )
    if not session.keep_transcript:
        raise transcript_not_available(
            session.session_id, "it was created without keepTranscript, so none was kept"
        )
