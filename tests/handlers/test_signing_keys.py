"""An issuer's keys: found, kept, replaced, and kept for a while when the issuer is down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from live_sessions.aws.runtime import Clock
from live_sessions.speakers.signing_keys import (
    DOCUMENT_LIMIT_BYTES,
    KeysUnavailable,
    KeyUnknown,
    SigningKeys,
    fetch_json,
)
from tests import issuer as oidc
from tests.issuer import EC_KEY, OTHER_KEY, RSA_KEY, Issuer, public

HOUR_MS = 3_600_000


class Time:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self.clock = Clock(now_ms=lambda: self.ms)


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with oidc.serving() as serving:
        serving.publish(public(RSA_KEY, "k1"))
        yield serving


@pytest.fixture
def keys(issuer: Issuer, now: Time) -> SigningKeys:
    return SigningKeys(issuer.discovery_url, issuer.url, now.clock, fetch_json)


def test_keys_are_fetched_once_and_again_after_an_hour(
    issuer: Issuer, keys: SigningKeys, now: Time
) -> None:
    assert issuer.requests == {}
    for _ in range(3):
        assert keys.key_of("RS256", "k1").key_id == "k1"
    assert issuer.requests == {"/.well-known/openid-configuration": 1, "/keys": 1}
    now.ms += HOUR_MS
    keys.key_of("RS256", "k1")
    assert issuer.requests["/keys"] == 2


def test_a_key_that_is_gone_is_no_longer_accepted_after_an_hour(
    issuer: Issuer, keys: SigningKeys, now: Time
) -> None:
    keys.key_of("RS256", "k1")
    issuer.publish(public(OTHER_KEY, "k2"))
    now.ms += HOUR_MS
    with pytest.raises(KeyUnknown):
        keys.key_of("RS256", "k1")


def test_a_new_key_is_fetched_when_a_token_names_it(
    issuer: Issuer, keys: SigningKeys, now: Time
) -> None:
    keys.key_of("RS256", "k1")
    issuer.publish(public(RSA_KEY, "k1"), public(OTHER_KEY, "k2"))
    now.ms += 30_000
    assert keys.key_of("RS256", "k2").key_id == "k2"
    assert issuer.requests["/keys"] == 2


def test_unknown_keys_cause_one_fetch_in_thirty_seconds(
    issuer: Issuer, keys: SigningKeys, now: Time
) -> None:
    keys.key_of("RS256", "k1")
    for step in range(60):
        now.ms += 1_000
        with pytest.raises(KeyUnknown):
            keys.key_of("RS256", f"unknown-{step}")
        assert keys.key_of("RS256", "k1")
    assert issuer.requests["/keys"] == 3


def test_the_first_token_of_all_with_an_unknown_key_causes_one_fetch(
    issuer: Issuer, keys: SigningKeys
) -> None:
    with pytest.raises(KeyUnknown):
        keys.key_of("RS256", "k9")
    assert issuer.requests["/keys"] == 1


def test_the_last_keys_serve_for_a_day_while_the_issuer_is_down(
    issuer: Issuer, keys: SigningKeys, now: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.key_of("RS256", "k1")
    published = issuer.documents["/keys"]
    issuer.documents["/keys"] = 503
    now.ms += HOUR_MS
    for _ in range(5):
        assert keys.key_of("RS256", "k1")
    assert issuer.requests["/keys"] == 2
    assert capsys.readouterr().out.count('"KeysUnavailable":') >= 1
    now.ms += 23 * HOUR_MS
    with pytest.raises(KeysUnavailable):
        keys.key_of("RS256", "k1")
    issuer.documents["/keys"] = published
    assert keys.key_of("RS256", "k1")


def test_of_two_keys_with_one_id_the_algorithm_decides(issuer: Issuer, keys: SigningKeys) -> None:
    issuer.publish(public(RSA_KEY, "k1"), public(EC_KEY, "k1"))
    assert keys.key_of("RS256", "k1").key_type == "RSA"
    assert keys.key_of("ES256", "k1").key_type == "EC"


def test_without_an_id_the_only_key_of_the_algorithm_is_taken(
    issuer: Issuer, keys: SigningKeys, now: Time
) -> None:
    issuer.publish(public(RSA_KEY, None), public(EC_KEY, "e1"))
    assert keys.key_of("RS256", None).key_type == "RSA"
    issuer.publish(public(RSA_KEY, "k1"), public(OTHER_KEY, "k2"))
    now.ms += HOUR_MS
    with pytest.raises(KeyUnknown, match="several"):
        keys.key_of("RS256", None)


def test_keys_that_are_of_no_use_are_left_out(issuer: Issuer, keys: SigningKeys) -> None:
    issuer.publish(
        public(OTHER_KEY, "encryption", use="enc"),
        public(OTHER_KEY, "long", alg="RS512"),
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
        {"kty": "quantum", "kid": "new"},
        {"kid": "no kind"},
        public(RSA_KEY, "k1"),
    )
    issuer.documents["/keys"]["keys"].append("not an object")
    assert keys.key_of("RS256", "k1")
    for algorithm, kid in (("RS256", "encryption"), ("RS512", "long"), ("HS256", "shared")):
        with pytest.raises(KeyUnknown):
            keys.key_of(algorithm, kid)


BAD_DOCUMENTS: dict[str, dict[str, Any]] = {
    "another issuer's": {"issuer": "https://evil.example.com", "jwks_uri": "{url}/keys"},
    "without issuer": {"jwks_uri": "{url}/keys"},
    "without keys": {"issuer": "{url}"},
    "with keys in a file": {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"},
    "with keys of another scheme": {"issuer": "{url}", "jwks_uri": "https://127.0.0.1:1/keys"},
    "with a number for the keys": {"issuer": "{url}", "jwks_uri": 1},
}


@pytest.mark.parametrize("bad", BAD_DOCUMENTS, ids=str)
def test_a_bad_discovery_document_is_refused(issuer: Issuer, keys: SigningKeys, bad: str) -> None:
    issuer.documents["/.well-known/openid-configuration"] = {
        name: value.format(url=issuer.url) if isinstance(value, str) else value
        for name, value in BAD_DOCUMENTS[bad].items()
    }
    with pytest.raises(KeysUnavailable):
        keys.key_of("RS256", "k1")
    assert issuer.requests["/keys"] == 0


@pytest.mark.parametrize(
    "answer",
    [404, 500, 302, "", "no JSON", "[]", "1", "[" * 50_000, '{"keys": {}}', '{"keys": []}'],
    ids=lambda answer: str(answer)[:20],
)
def test_a_bad_key_set_is_refused(issuer: Issuer, keys: SigningKeys, answer: Any) -> None:
    issuer.documents["/keys"] = answer
    with pytest.raises(KeysUnavailable):
        keys.key_of("RS256", "k1")


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    issuer.documents["/moved"] = 302
    with pytest.raises(KeysUnavailable, match="302"):
        fetch_json(f"{issuer.url}/moved")
    assert issuer.requests["/keys"] == 0


def test_a_document_over_the_limit_is_refused(issuer: Issuer) -> None:
    issuer.documents["/keys"] = '"' + "x" * DOCUMENT_LIMIT_BYTES + '"'
    with pytest.raises(KeysUnavailable):
        fetch_json(f"{issuer.url}/keys")


def test_an_address_where_nothing_listens_is_reported() -> None:
    with pytest.raises(KeysUnavailable, match="cannot be read"):
        fetch_json("http://127.0.0.1:9/keys")
