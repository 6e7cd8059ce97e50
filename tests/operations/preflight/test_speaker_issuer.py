"""The documents of an OIDC issuer, as the authorizer would find them."""

from collections.abc import Iterator
from typing import Any

import pytest

from operations.preflight.checks.speaker_issuer import speaker_issuer
from operations.verify.verdicts import Result, Verdict
from tests import issuer as oidc
from tests.issuer import EC_KEY, RSA_KEY, Issuer, public
from tests.operations.verify.contexts import context_of


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with oidc.serving() as serving:
        serving.publish(public(RSA_KEY, "k1"), public(EC_KEY, "e1"))
        yield serving


def verdicts(url: str) -> list[Verdict]:
    return list(speaker_issuer(context_of(config={"live-sessions:speakerIssuer": url})))


def test_a_stack_with_a_user_pool_is_not_asked() -> None:
    assert verdicts("") == []


def test_an_issuer_whose_keys_are_found_is_right(issuer: Issuer) -> None:
    [verdict] = verdicts(issuer.url)
    assert verdict.result is Result.RIGHT
    assert verdict.seen == "found, with 2 keys for RS256 or ES256"


def test_an_issuer_that_calls_itself_otherwise_is_wrong(issuer: Issuer) -> None:
    [verdict] = verdicts(f"{issuer.url}/")
    assert verdict.result is Result.WRONG
    assert f"is the document of '{issuer.url}'" in verdict.seen
    assert verdict.way_out == "set speakerIssuer to that text, to the letter"


@pytest.mark.parametrize(
    ("path", "document", "seen"),
    [
        ("/keys", {"keys": [{"kty": "OKP"}, "x"]}, "has no key for RS256 or ES256"),
        ("/keys", {}, "has no key for RS256 or ES256"),
        ("/.well-known/openid-configuration", {"issuer": "{url}"}, "has 'None' for jwks_uri"),
    ],
)
def test_an_issuer_without_usable_keys_is_wrong(
    issuer: Issuer, path: str, document: dict[str, Any], seen: str
) -> None:
    named = {"issuer": issuer.url} if "issuer" in document else {}
    issuer.documents[path] = document | named
    [verdict] = verdicts(issuer.url)
    assert verdict.result is Result.WRONG
    assert seen in verdict.seen


@pytest.mark.parametrize("answer", [404, "no JSON", "[]"])
def test_documents_that_cannot_be_read_are_unknown(issuer: Issuer, answer: Any) -> None:
    for path in ("/keys", "/.well-known/openid-configuration"):
        issuer.documents[path] = answer
        [verdict] = verdicts(issuer.url)
        assert verdict.result is Result.UNKNOWN
        assert path in verdict.seen
