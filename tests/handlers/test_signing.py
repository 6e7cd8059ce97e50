"""Our signatures equal botocore's."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from live_sessions.aws.http import Signer
from live_sessions.aws.runtime import AwsEnvironment

REGION = "eu-central-1"
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
API = f"api1234567.execute-api.{REGION}.amazonaws.com"
AT = datetime.datetime(2026, 3, 1, 23, 59, 58, tzinfo=datetime.UTC)
NEXT_DAY = AT + datetime.timedelta(seconds=5)


def aws(token: str | None) -> AwsEnvironment:
    return AwsEnvironment(
        aws_region=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
    )


def signed_by_botocore(
    service: str,
    token: str | None,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[dict[str, str], float]:
    """The signed headers, and the time of signing (epoch seconds)."""
    request = AWSRequest(method, url, dict(headers), body)
    SigV4Auth(Credentials(KEY_ID, SECRET, token), service, REGION).add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items()}
    signed_at = datetime.datetime.strptime(signed["x-amz-date"], "%Y%m%dT%H%M%S%z")
    return signed, signed_at.timestamp()


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE//+token=="])
@pytest.mark.parametrize("connection_id", ["Abc_-d=", "a+b/=", "plain", "ü %2F~."])
@pytest.mark.parametrize(("method", "body"), [("POST", b'{"type":"sessionEnded"}'), ("GET", b"")])
@pytest.mark.parametrize("host", [API, "127.0.0.1:4566"])
def test_a_request_to_a_connection_is_signed_as_botocore_signs_it(
    token: str | None, connection_id: str, method: str, body: bytes, host: str
) -> None:
    path = f"/live/@connections/{quote(connection_id, safe='')}"
    theirs, at_seconds = signed_by_botocore(
        "execute-api", token, method, f"https://{host}{path}", {}, body
    )
    ours = Signer(aws(token), "execute-api", host).signed(
        method, path, {}, body, at_seconds=at_seconds
    )
    assert ours == {**theirs, "host": host}


@pytest.mark.parametrize("token", [None, "token"])
def test_a_signature_covers_every_header_of_a_dynamodb_call(token: str | None) -> None:
    host = f"dynamodb.{REGION}.amazonaws.com"
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Type": "application/x-amz-json-1.0",
    }
    body = b'{"TableName":"connections"}'
    theirs, at_seconds = signed_by_botocore(
        "dynamodb", token, "POST", f"https://{host}/", headers, body
    )
    ours = Signer(aws(token), "dynamodb", host).signed(
        "POST", "/", headers, body, at_seconds=at_seconds
    )
    assert ours == {**theirs, "host": host}


def test_the_key_of_a_day_is_replaced_at_midnight() -> None:
    signer = Signer(aws(None), "execute-api", API)
    for at in (AT, NEXT_DAY, NEXT_DAY, AT):
        fresh = Signer(aws(None), "execute-api", API)
        first, again = (
            each.signed("POST", "/live/x", {}, b"", at_seconds=at.timestamp())
            for each in (fresh, signer)
        )
        assert again == first
