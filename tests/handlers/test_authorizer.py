"""Who may connect: real tokens, checked with keys that are served over HTTP."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract.functions import AuthorizerEnvironment
from live_sessions.aws.runtime import SYSTEM_CLOCK, read_environment
from live_sessions.speakers.signing_keys import KeysUnavailable, fetch_json
from tests import issuer as oidc
from tests.handlers.conftest import ENVIRONMENT
from tests.issuer import EC_KEY, OTHER_KEY, RSA_KEY, Issuer, handmade, public

ARN = "arn:aws:execute-api:eu-central-1:123456789012:api1234567/live/$connect"
OURS = "live-sessions.v1"
COGNITO = ENVIRONMENT["TOKEN_ISSUER"]

Authorize = Callable[..., dict[str, Any]]


def authorizing(fetch: Callable[[str], Any] = fetch_json, **environment: str) -> Authorize:
    """Authorizes a handshake with these tokens in the query and these subprotocols."""
    authorizer = importlib.import_module("authorizer").build(
        read_environment(AuthorizerEnvironment, ENVIRONMENT | environment), SYSTEM_CLOCK, fetch
    )

    def authorize(*tokens: str, offering: str | None = None) -> dict[str, Any]:
        headers = {} if offering is None else {"Sec-WebSocket-Protocol": [offering]}
        return authorizer(
            {
                "type": "REQUEST",
                "methodArn": ARN,
                "multiValueHeaders": headers,
                "multiValueQueryStringParameters": {"token": list(tokens)} if tokens else None,
                "requestContext": {"connectionId": "L0SM9cOFvHcCIhw="},
            },
            None,
        )

    return authorize


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with oidc.serving() as serving:
        serving.publish(public(RSA_KEY, "k1"), public(EC_KEY, "e1"))
        yield serving


@pytest.fixture(scope="module")
def authorize(issuer: Issuer) -> Authorize:
    """For a Cognito pool, whose keys have an address of their own."""
    return authorizing(TOKEN_KEYS_URL=f"{issuer.url}/keys")


@pytest.fixture(scope="module")
def authorize_oidc(issuer: Issuer) -> Authorize:
    return authorizing(TOKEN_ISSUER=issuer.url, TOKEN_KEYS_URL=issuer.discovery_url)


def token(*arguments: Any, **changes: Any) -> str:
    """An ID token of the Cognito pool."""
    return oidc.token(COGNITO, *arguments, **{"token_use": "id", **changes})


def effect(policy: dict[str, Any]) -> str:
    (statement,) = policy["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == ARN
    return statement["Effect"]


def shown_parts(sent: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The parts of a token that the log shows."""
    formatter = logging.Formatter()
    logged = "\n".join(f"{vars(each)} {formatter.format(each)}" for each in caplog.records)
    return [part for part in sent.split(".") if len(part) > 1 and part in logged]


GOOD_TOKENS: dict[str, Callable[[], str]] = {
    "ID token": token,
    "for the second client": lambda: token(aud="second-client"),
    "for several audiences": lambda: token(aud=["other", "second-client"]),
    "access token of Cognito": lambda: token(aud=None, client_id="client-id", token_use="access"),
    "access token bound to our API": lambda: token(
        aud="client-id", client_id="another-client", token_use="access"
    ),
    "signed by ES256": lambda: token(EC_KEY, "e1", "ES256"),
    "typed as an access token": lambda: token(headers={"typ": "at+JWT"}),
    "without key id, and one key of its algorithm": lambda: token(kid=None),
}


@pytest.mark.parametrize("good", GOOD_TOKENS, ids=str)
def test_a_valid_token_makes_a_speaker_in_either_place(authorize: Authorize, good: str) -> None:
    sent = GOOD_TOKENS[good]()
    for policy in (authorize(sent), authorize(offering=f"{OURS}, bearer.{sent}")):
        assert effect(policy) == "Allow"
        assert policy["context"] == {"role": "speaker", "userId": "user-7"}


@pytest.mark.parametrize("offering", [None, OURS, f"chat, {OURS}"])
def test_no_token_makes_a_listener(authorize: Authorize, offering: str | None) -> None:
    policy = authorize(offering=offering)
    assert effect(policy) == "Allow"
    assert policy["context"] == {"role": "listener"}


BAD_TOKENS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token at all": lambda: "not-a-token",
    "not ASCII": lambda: "é\ud800.a.b",
    "expired": lambda: token(exp=int(time.time()) - 60),
    "not valid yet": lambda: token(nbf=int(time.time()) + 600),
    "signed by another key": lambda: token(OTHER_KEY),
    "signed by another key of another kind": lambda: token(EC_KEY, "k1", "ES256"),
    "unknown key id": lambda: token(kid="k2"),
    "of another pool": lambda: token(iss="https://cognito-idp.eu-central-1.amazonaws.com/other"),
    "for another client": lambda: token(aud="other-client"),
    "for part of a client": lambda: token(aud="client"),
    "for two clients as one text": lambda: token(aud="client-id second-client"),
    "for no client": lambda: token(aud=None),
    "for an empty list": lambda: token(aud=[], client_id="client-id"),
    "for a list of lists": lambda: token(aud=[["client-id"]]),
    "for another API, from our client": lambda: token(
        aud="https://other-api.example.com", client_id="client-id", token_use="access"
    ),
    "access token of another client": lambda: token(
        aud=None, client_id="other-client", token_use="access"
    ),
    "neither ID nor access token": lambda: token(token_use="refresh"),
    "a logout token": lambda: token(headers={"typ": "logout+jwt"}),
    "without expiry": lambda: token(exp=None),
    "without time of issue": lambda: token(iat=None),
    "without issuer": lambda: token(iss=None),
    "without subject": lambda: token(sub=None),
    "with an empty subject": lambda: token(sub=""),
    "without token use": lambda: token(token_use=None),
    "not signed": lambda: token("", algorithm="none"),
    "signed with the public key as a shared secret": lambda: token("k" * 64, algorithm="HS256"),
    "signed by RS512": lambda: token(algorithm="RS512"),
    "signed by PS256": lambda: token(algorithm="PS256"),
    "an algorithm that is a list": lambda: handmade('{"alg": ["RS256"], "kid": "k1"}'),
    "a type that is a list": lambda: handmade('{"alg": "RS256", "typ": [], "kid": "k1"}'),
    "a key id that is a number": lambda: handmade('{"alg": "RS256", "kid": 1}'),
    "a critical header that nobody knows": lambda: token(headers={"crit": ["x"], "x": 1}),
    "a header that is deeply nested": lambda: handmade('{"alg": ' + "[" * 50_000),
}


@pytest.mark.parametrize("bad", BAD_TOKENS, ids=str)
def test_an_invalid_token_is_refused_and_its_sender_is_not_treated_as_a_listener(
    authorize: Authorize, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    sent = BAD_TOKENS[bad]()
    for policy in (authorize(sent), authorize(offering=f"{OURS}, bearer.{sent}")):
        assert effect(policy) == "Deny"
        assert policy["context"] == {}
    assert [record.message for record in caplog.records] == ["refused", "refused"]
    assert shown_parts(sent, caplog) == []


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        (2, []),
        (1, ["bearer.{}"]),
        (0, ["bearer.{}"] * 2),
        (2, ["bearer.{}"]),
        (0, ["Bearer.{}"] * 2),
    ],
)
def test_several_tokens_are_refused_although_all_are_the_same_valid_one(
    authorize: Authorize, query: int, offered: list[str]
) -> None:
    valid = token()
    offering = ", ".join([OURS, *offered]).format(*[valid] * len(offered)) if offered else None
    assert effect(authorize(*[valid] * query, offering=offering)) == "Deny"


@pytest.mark.parametrize("offering", ["chat", "bearer.{}", "chat, bearer.{}", "live-sessions.v2"])
def test_an_offer_without_our_subprotocol_gets_no_role_and_is_left_to_connect(
    authorize: Authorize, offering: str
) -> None:
    policy = authorize(offering=offering.format(token()))
    assert effect(policy) == "Allow"
    assert policy["context"] == {}


def test_the_log_of_an_accepted_token_does_not_show_it(
    authorize: Authorize, caplog: pytest.LogCaptureFixture
) -> None:
    sent = token()
    authorize(sent)
    authorize(offering=f"{OURS}, bearer.{sent}")
    assert [record.message for record in caplog.records] == ["allowed", "allowed"]
    assert shown_parts(sent, caplog) == []


def test_speakers_are_refused_and_listeners_admitted_while_the_keys_cannot_be_fetched() -> None:
    def unavailable(url: str) -> None:
        raise KeysUnavailable("down")

    authorize = authorizing(unavailable)
    assert effect(authorize(token())) == "Deny"
    assert effect(authorize()) == "Allow"


# ---- Any issuer


def test_an_issuers_keys_are_found_by_its_discovery_document(
    authorize_oidc: Authorize, issuer: Issuer
) -> None:
    for sent in (
        oidc.token(issuer.url),
        oidc.token(issuer.url, EC_KEY, "e1", "ES256"),
        oidc.token(issuer.url, aud=None, client_id="second-client"),
        oidc.token(issuer.url, token_use="its own meaning"),
    ):
        assert authorize_oidc(sent)["context"] == {"role": "speaker", "userId": "user-7"}


def test_a_token_of_another_issuer_with_the_same_keys_is_refused(
    authorize_oidc: Authorize, issuer: Issuer
) -> None:
    for other in (f"{issuer.url}/", COGNITO, issuer.url.upper()):
        assert effect(authorize_oidc(oidc.token(other))) == "Deny"
