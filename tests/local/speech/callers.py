"""Someone with a role's session credentials, who signs as botocore does."""

import datetime
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import botocore.auth
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.sync.client import ClientConnection, connect

from client.account import aws_session
from local.emulator.process import Emulator
from local.speech import event_stream
from local.speech.process import SpeechServices
from tests.patience import PATIENCE_SECONDS

STREAMING = {"language-code": "en-US", "media-encoding": "pcm", "sample-rate": "16000"}
ALLOWED = ("transcribe:StartStreamTranscriptionWebSocket", "translate:TranslateText")


@dataclass(frozen=True)
class Caller:
    """The role's name, its credentials and where the stand-ins are."""

    role: str
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None
    transcribe_url: str
    translate_url: str

    def but(self, **changes: Any) -> "Caller":
        return replace(self, **changes)

    def stream_url(self, *, expires: int = 300, **parameters: str | None) -> str:
        """With `language_code="de-DE"` and the like; None leaves a parameter out."""
        given = {name.replace("_", "-"): value for name, value in parameters.items()}
        query = {name: value for name, value in {**STREAMING, **given}.items() if value is not None}
        url = f"{self.transcribe_url}/stream-transcription-websocket?{urlencode(query)}"
        request = AWSRequest("GET", url)
        credentials = Credentials(self.access_key_id, self.secret_access_key, self.session_token)
        SigV4QueryAuth(credentials, "transcribe", self.region, expires).add_auth(request)
        return str(request.url).replace("http:", "ws:", 1)

    def open_stream(self, url: str | None = None, **parameters: Any) -> ClientConnection:
        return connect(
            url or self.stream_url(**parameters),
            proxy=None,
            compression=None,
            open_timeout=PATIENCE_SECONDS,
            close_timeout=PATIENCE_SECONDS,
            ping_interval=None,
        )

    def translate(self, text: str, source: str = "en", target: str = "fr") -> str:
        return self.translate_client().translate_text(
            Text=text, SourceLanguageCode=source, TargetLanguageCode=target
        )["TranslatedText"]

    def translate_client(self, **config: Any) -> Any:
        return aws_session(region=self.region).client(
            "translate",
            endpoint_url=self.translate_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.session_token,
            config=Config(proxies={}, retries={"total_max_attempts": 1}, **config),
        )


def error_code_of(refusal: ClientError) -> str:
    return refusal.response.get("Error", {}).get("Code", "")


def status_of(refusal: ClientError) -> int:
    return refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def caller(
    emulator: Emulator,
    speech: SpeechServices,
    actions: Iterable[str] = ALLOWED,
    *,
    session_seconds: int = 3_600,
) -> Caller:
    """A new role that may do these, and nothing else."""
    name = f"speech-{secrets.token_hex(4)}"
    iam = emulator.client("iam")
    principal = {"AWS": f"arn:aws:iam::{emulator.account_id}:root"}
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=policy(Principal=principal, Action="sts:AssumeRole"),
    )["Role"]
    if actions:
        document = policy(Action=list(actions), Resource="*")
        iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=document)
    session = emulator.client("sts", config=Config(parameter_validation=False)).assume_role(
        RoleArn=role["Arn"], RoleSessionName="test", DurationSeconds=session_seconds
    )
    credentials = session["Credentials"]
    return Caller(
        role=name,
        region=emulator.region,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
        transcribe_url=speech.environment["AWS_ENDPOINT_URL_TRANSCRIBE_STREAMING"],
        translate_url=speech.environment["AWS_ENDPOINT_URL_TRANSLATE"],
    )


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@contextmanager
def signing_at(minutes_from_now: float) -> Iterator[None]:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes_from_now)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=at):
        yield


def audio_event(samples: bytes) -> bytes:
    headers = {
        ":content-type": "application/octet-stream",
        ":event-type": "AudioEvent",
        ":message-type": "event",
    }
    return event_stream.encode(headers, samples)


def speak(stream: ClientConnection, samples: bytes, chunk_milliseconds: int = 100) -> None:
    step = chunk_milliseconds * 32
    for start in range(0, len(samples), step):
        stream.send(audio_event(samples[start : start + step]))


def results(stream: ClientConnection) -> list[dict[str, Any]]:
    """All results until the stream is closed; an exception's headers and message come last."""
    found: list[dict[str, Any]] = []
    for message in stream:
        headers, payload = event_stream.decode(message)
        content = json.loads(payload)
        if headers[":message-type"] == "exception":
            return [*found, {"exception": headers[":exception-type"], **content}]
        assert headers[":event-type"] == "TranscriptEvent"
        found += content["Transcript"]["Results"]
    return found


def texts(found: Iterable[Mapping[str, Any]], *, is_partial: bool = False) -> list[str]:
    return [
        result["Alternatives"][0]["Transcript"]
        for result in found
        if result["IsPartial"] == is_partial
    ]
