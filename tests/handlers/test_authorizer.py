"""Who may connect: real RS256 tokens, checked with keys that are served over HTTP."""

from __future__ import annotations

import dataclasses
import importlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWKClient
from jwt.algorithms import RSAAlgorithm

from contract.functions import AuthorizerEnvironment
from live_sessions.aws.runtime import read_environment
from tests.handlers.conftest import ENVIRONMENT
from tests.patience import OUT_OF_REACH_SECONDS

ARN = "arn:aws:execute-api:eu-central-1:123456789012:api1234567/live/$connect"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    keys = json.dumps(
        {
            "keys": [
                RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "k1", "use": "sig"}
            ]
        }
    ).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    server.server_close()


Authorize = Callable[..., dict[str, Any]]


def authorizing_with(keys: PyJWKClient) -> Authorize:
    """Authorizes a handshake with these tokens."""
    built = importlib.import_module("authorizer").build(
        read_environment(AuthorizerEnvironment, ENVIRONMENT)
    )
    authorizer = dataclasses.replace(built, keys=keys)

    def authorize(*tokens: str) -> dict[str, Any]:
        return authorizer(
            {
                "type": "REQUEST",
                "methodArn": ARN,
                "multiValueQueryStringParameters": {"token": list(tokens)} if tokens else None,
                "requestContext": {"connectionId": "L0SM9cOFvHcCIhw="},
            },
            None,
        )

    return authorize


@pytest.fixture(scope="module")
def authorize(jwks_url: str) -> Authorize:
    return authorizing_with(PyJWKClient(jwks_url, timeout=OUT_OF_REACH_SECONDS))


def token(key: Any = KEY, kid: str = "k1", algorithm: str = "RS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "sub": "user-7",
        "iss": ENVIRONMENT["TOKEN_ISSUER"],
        "aud": ENVIRONMENT["TOKEN_AUDIENCE"],
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
    } | changes
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm=algorithm, headers={"kid": kid})


def effect(policy: dict[str, Any]) -> str:
    (statement,) = policy["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == ARN
    return statement["Effect"]


def test_a_valid_token_makes_a_speaker(authorize: Authorize) -> None:
    policy = authorize(token())
    assert effect(policy) == "Allow"
    assert policy["context"] == {"role": "speaker", "userId": "user-7"}


def test_no_token_makes_a_listener(authorize: Authorize) -> None:
    policy = authorize()
    assert effect(policy) == "Allow"
    assert policy["context"] == {"role": "listener"}


BAD_TOKENS = {
    "empty": lambda: "",
    "no token at all": lambda: "not-a-token",
    "expired": lambda: token(exp=int(time.time()) - 60),
    "signed by another key": lambda: token(OTHER_KEY),
    "unknown key id": lambda: token(kid="k2"),
    "of another pool": lambda: token(iss="https://cognito-idp.eu-central-1.amazonaws.com/other"),
    "for another client": lambda: token(aud="other-client"),
    "an access token": lambda: token(token_use="access"),
    "without expiry": lambda: token(exp=None),
    "without subject": lambda: token(sub=None),
    "without token use": lambda: token(token_use=None),
    "not signed": lambda: token("", algorithm="none"),
    "signed with the public key as a shared secret": lambda: token("k" * 64, algorithm="HS256"),
}


@pytest.mark.parametrize("bad", BAD_TOKENS, ids=str)
def test_an_invalid_token_is_refused_and_its_sender_is_not_treated_as_a_listener(
    authorize: Authorize, capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    sent = BAD_TOKENS[bad]()
    policy = authorize(sent)
    assert effect(policy) == "Deny"
    assert policy["context"] == {}
    assert not sent or sent not in capsys.readouterr().out


def test_two_tokens_are_refused_although_both_are_valid(authorize: Authorize) -> None:
    assert effect(authorize(token(), token())) == "Deny"


def test_speakers_are_refused_and_listeners_admitted_while_the_keys_cannot_be_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    authorize = authorizing_with(PyJWKClient(f"http://127.0.0.1:{port}/", timeout=1))
    assert effect(authorize(token())) == "Deny"
    assert effect(authorize()) == "Allow"
