"""Invalid tokens, derived from a valid one."""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

MALFORMED = "not-a-token"
LONG_AGO_SECONDS = 86_400
HOUR_SECONDS = 3_600


def tampered(token: str) -> str:
    """Another user's id with the original signature."""
    header, _, signature = token.split(".")
    claims = {**_claims(token), "sub": "00000000-0000-0000-0000-000000000000"}
    return f"{header}.{_encoded(claims)}.{signature}"


def signed_by_another_key(token: str) -> str:
    """The same claims and key id, signed with a new key."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return jwt.encode(_claims(token), key, "RS256", {"kid": _key_id(token)})


def unsigned(token: str) -> str:
    """The same claims, `alg` none and no signature."""
    header = {"alg": "none", "typ": "JWT", "kid": _key_id(token)}
    return f"{_encoded(header)}.{_encoded(_claims(token))}."


def genuinely_signed(token: str, emulator_folder: Path, **claims: Any) -> str | None:
    """The token with other claims, signed with the local pool's key from the emulator's folder.

    None if there is no key.
    """
    pool = str(_claims(token)["iss"]).rpartition("/")[2]
    paths = list(emulator_folder.glob(f"**/cognito-pool-keys/{pool}-id.pem"))
    if not paths:
        return None
    # The emulator's own key: proving it to be one takes longer than all else here.
    key = load_pem_private_key(
        paths[0].read_bytes(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    return jwt.encode({**_claims(token), **claims}, key, "RS256", {"kid": _key_id(token)})


def expired(token: str, emulator_folder: Path) -> str | None:
    """As `genuinely_signed`, valid except that it has expired."""
    then = int(time.time()) - LONG_AGO_SECONDS
    times = {"iat": then, "auth_time": then, "exp": then + HOUR_SECONDS}
    return genuinely_signed(token, emulator_folder, **times)


def of_another_client(token: str, emulator_folder: Path) -> str | None:
    """As `genuinely_signed`, valid except for its audience."""
    return genuinely_signed(token, emulator_folder, aud="another-client")


def unfit_as_expired(token: str, outputs: Mapping[str, Any]) -> str:
    """Why its refusal would prove nothing; "" if it is valid except that it has expired."""
    claims = _claims(token)
    if reason := _of_another_kind(claims, outputs):
        return reason
    if not _audiences_of(claims) & {*outputs["speakerAudiences"]}:
        return f"it is for the audience {claims.get('aud')}, not for the stack's"
    return "" if claims.get("exp", 0) < time.time() else "it has not expired yet"


def unfit_as_foreign(token: str, outputs: Mapping[str, Any]) -> str:
    """As `unfit_as_expired`, for a valid token of another client."""
    claims = _claims(token)
    if reason := _of_another_kind(claims, outputs):
        return reason
    if _audiences_of(claims) & {*outputs["speakerAudiences"]}:
        return "it is for an audience of the stack"
    return "" if claims.get("exp", 0) > time.time() else "it has expired"


def _of_another_kind(claims: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """Why a token is no ID token of the stack's issuer; "" if it may be one."""
    if claims.get("iss") != outputs["speakerIssuer"]:
        return f"it is from {claims.get('iss')}, not from the stack's issuer"
    return "" if claims.get("token_use", "id") == "id" else "it is not an ID token"


def _audiences_of(claims: Mapping[str, Any]) -> set[str]:
    aud = claims.get("aud", [])
    return {aud} if isinstance(aud, str) else {*aud}


def _claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def _encoded(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _key_id(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]
