"""Signatures, beside botocore's own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from live_sessions.aws.signing import Signer
from live_sessions.environment import AwsEnvironment

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
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    token: str | None,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    at: datetime.datetime,
) -> dict[str, str]:
    monkeypatch.setattr(auth, "get_current_datetime", lambda: at)
    request = AWSRequest(method, url, dict(headers), body)
    auth.SigV4Auth(Credentials(KEY_ID, SECRET, token), service, REGION).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE//+token=="])
@pytest.mark.parametrize("connection_id", ["Abc_-d=", "a+b/=", "plain", "ü %2F~."])
@pytest.mark.parametrize(("method", "body"), [("POST", b'{"type":"sessionEnded"}'), ("GET", b"")])
@pytest.mark.parametrize("host", [API, "127.0.0.1:4566"])
def test_a_request_to_a_connection_is_signed_as_botocore_signs_it(
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    connection_id: str,
    method: str,
    body: bytes,
    host: str,
) -> None:
    path = f"/live/@connections/{quote(connection_id, safe='')}"
    ours = Signer(aws(token), "execute-api", host).signed(
        method, path, {}, body, at_seconds=AT.timestamp()
    )
    theirs = signed_by_botocore(
        monkeypatch, "execute-api", token, method, f"https://{host}{path}", {}, body, AT
    )
    assert ours == {**theirs, "host": host}


@pytest.mark.parametrize("token", [None, "token"])
def test_a_dynamodb_call_is_signed_with_all_its_headers(
    monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    host = f"dynamodb.{REGION}.amazonaws.com"
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Type": "application/x-amz-json-1.0",
    }
    body = b'{"TableName":"connections"}'
    ours = Signer(aws(token), "dynamodb", host).signed(
        "POST", "/", headers, body, at_seconds=AT.timestamp()
    )
    theirs = signed_by_botocore(
        monkeypatch, "dynamodb", token, "POST", f"https://{host}/", headers, body, AT
    )
    assert ours == {**theirs, "host": host}


def test_the_day_s_key_is_replaced_at_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(aws(None), "execute-api", API)
    for at in (AT, NEXT_DAY, NEXT_DAY, AT):
        ours = signer.signed("POST", "/live/x", {}, b"", at_seconds=at.timestamp())
        theirs = signed_by_botocore(
            monkeypatch, "execute-api", None, "POST", f"https://{API}/live/x", {}, b"", at
        )
        assert ours["authorization"] == theirs["authorization"]
