"""Each invalid token differs from the valid one in exactly one respect."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from operations.verify import tokens

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
OUTPUTS = {"speakerIssuer": ISSUER, "speakerAudiences": ["ours", "also ours"]}
CLAIMS = {
    "iss": ISSUER,
    "aud": "ours",
    "sub": "ada",
    "token_use": "id",
}
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys = tmp_path / "state_dir" / "cognito-pool-keys"
    keys.mkdir(parents=True)
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keys / "us-east-1_pool-id.pem").write_bytes(pem)
    return tmp_path


def token(**claims: Any) -> str:
    now = int(time.time())
    times = {"iat": now, "exp": now + 600}
    return jwt.encode({**times, **CLAIMS, **claims}, KEY, "RS256", {"kid": "one"})


def read(text: str, **options: Any) -> dict[str, Any]:
    checks: Any = options
    return jwt.decode(text, KEY.public_key(), ["RS256"], audience="ours", options=checks)


def test_the_genuine_token_is_valid() -> None:
    assert read(token())["sub"] == "ada"


@pytest.mark.parametrize("forge", [tokens.tampered, tokens.signed_by_another_key])
def test_a_forged_signature_with_the_same_key_id_is_invalid(forge: Any) -> None:
    forged = forge(token())
    assert jwt.get_unverified_header(forged)["kid"] == "one"
    with pytest.raises(jwt.InvalidSignatureError):
        read(forged)


def test_an_unsigned_token_has_alg_none_and_the_same_claims() -> None:
    forged = tokens.unsigned(token())
    assert jwt.get_unverified_header(forged)["alg"] == "none"
    assert jwt.decode(forged, options={"verify_signature": False})["sub"] == "ada"
    with pytest.raises(jwt.InvalidAlgorithmError):
        read(forged)


def test_an_expired_token_is_valid_except_for_its_time(folder: Path) -> None:
    expired = tokens.expired(token(), folder)
    assert expired is not None
    with pytest.raises(jwt.ExpiredSignatureError):
        read(expired)
    assert read(expired, verify_exp=False)["sub"] == "ada"


def test_a_token_of_another_client_is_valid_except_for_its_audience(folder: Path) -> None:
    foreign = tokens.of_another_client(token(), folder)
    assert foreign is not None
    with pytest.raises(jwt.InvalidAudienceError):
        read(foreign)
    assert read(foreign, verify_aud=False)["sub"] == "ada"


def test_without_the_pools_key_there_is_no_token(tmp_path: Path) -> None:
    assert tokens.expired(token(), tmp_path) is None


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 5}, ""),
        ({}, "it has not expired yet"),
        ({"exp": 5, "aud": ["theirs", "also ours"]}, ""),
        ({"exp": 5, "aud": "theirs"}, "it is for the audience theirs, not for the stack's"),
        ({"exp": 5, "token_use": "access"}, "it is not an ID token"),
        ({"exp": 5, "iss": "https://x/other"}, "it is from https://x/other, not from the stack's"),
    ],
)
def test_only_an_otherwise_valid_expired_token_proves_something(
    claims: dict[str, Any], reason: str
) -> None:
    problem = tokens.unfit_as_expired(token(**claims), OUTPUTS)
    assert problem.startswith(reason)
    assert bool(problem) == bool(reason)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "theirs"}, ""),
        ({}, "it is for an audience of the stack"),
        ({"aud": "also ours"}, "it is for an audience of the stack"),
        ({"aud": "theirs", "exp": 5}, "it has expired"),
    ],
)
def test_only_an_otherwise_valid_foreign_token_proves_something(
    claims: dict[str, Any], reason: str
) -> None:
    assert tokens.unfit_as_foreign(token(**claims), OUTPUTS) == reason
