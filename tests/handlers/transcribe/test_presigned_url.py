"""The URL that opens a stream, its signature computed anew."""

from __future__ import annotations

import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from live_sessions.audio.transcribe import presigned_url
from live_sessions.aws.runtime import AwsEnvironment
from tests.handlers.transcribe.signature import computed_signature

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjE//+token=="
AWS_HOST = "transcribestreaming.eu-central-1.amazonaws.com:8443"


def aws(token: str | None = TOKEN, endpoint: str | None = None) -> AwsEnvironment:
    return AwsEnvironment(
        aws_region="eu-central-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        aws_endpoint_url_transcribe_streaming=endpoint,
    )


def query_of(url: str) -> dict[str, str]:
    query = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("stability", [None, "medium"])
@pytest.mark.parametrize(
    ("endpoint", "opening", "host"),
    [
        (None, f"wss://{AWS_HOST}/", AWS_HOST),
        ("http://127.0.0.1:4567", "ws://127.0.0.1:4567/", "127.0.0.1:4567"),
        ("http://127.0.0.1:4567/", "ws://127.0.0.1:4567/", "127.0.0.1:4567"),
        ("https://speech.example", "wss://speech.example/", "speech.example"),
        ("https://speech.example:443", "wss://speech.example:443/", "speech.example"),
        ("http://speech.example:80", "ws://speech.example:80/", "speech.example"),
    ],
)
def test_the_url_is_signed_for_the_host_that_is_sent(
    token: str | None, stability: str | None, endpoint: str | None, opening: str, host: str
) -> None:
    url = presigned_url(aws(token, endpoint), "en-US", 16_000, stability=stability)
    assert url.startswith(f"{opening}stream-transcription-websocket?")
    target = url.removeprefix(opening.rstrip("/"))
    assert query_of(url)["X-Amz-Signature"] == computed_signature(target, host, SECRET)


def test_the_url_asks_for_what_the_stream_is() -> None:
    query = query_of(presigned_url(aws(), "pt-BR", 44_100, stability=None))
    del query["X-Amz-Signature"]
    date = query.pop("X-Amz-Date")
    signed_at = datetime.datetime.strptime(f"{date[:-1]}+0000", "%Y%m%dT%H%M%S%z")
    assert abs(datetime.datetime.now(datetime.UTC) - signed_at) < datetime.timedelta(minutes=5)
    assert query == {
        "language-code": "pt-BR",
        "media-encoding": "pcm",
        "sample-rate": "44100",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY_ID}/{date[:8]}/eu-central-1/transcribe/aws4_request",
        "X-Amz-Expires": "300",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Security-Token": TOKEN,
    }


@pytest.mark.parametrize("stability", ["low", "medium", "high"])
def test_stability_is_asked_for_by_both_parameters(stability: str) -> None:
    plain = query_of(presigned_url(aws(), "en-US", 16_000, stability=None))
    stable = query_of(presigned_url(aws(), "en-US", 16_000, stability=stability))
    assert {name: stable[name] for name in stable.keys() - plain.keys()} == {
        "enable-partial-results-stabilization": "true",
        "partial-results-stability": stability,
    }


def test_without_a_session_token_the_url_names_none() -> None:
    assert "X-Amz-Security-Token" not in query_of(
        presigned_url(aws(None), "en-US", 16_000, stability=None)
    )
