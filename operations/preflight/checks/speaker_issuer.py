"""The OIDC issuer of the speakers' tokens: its discovery document and its keys, over HTTP."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from components.speaker_identity import discovery_url
from operations.verify.context import Context
from operations.verify.deployment import setting
from operations.verify.verdicts import Verdict, right, unknown, wrong

FETCH_TIMEOUT_SECONDS = 10
# Those of RS256 and ES256, which the authorizer accepts.
KEY_TYPES = ("RSA", "EC")


class _Unreadable(Exception):
    """There is no JSON object at a URL; the message says why."""


def speaker_issuer(context: Context) -> Iterator[Verdict]:
    """Check what a stack with `speakerIssuer` needs; nothing for one without.

    This machine's network may differ from the authorizer's: what it cannot read is unknown.
    """
    issuer = setting(context.deployment.config, "speakerIssuer")
    if issuer:
        yield _checked(issuer)


def _checked(issuer: str) -> Verdict:
    subject, way_out = f"issuer {issuer}", "correct speakerIssuer, or the issuer's documents"
    url = discovery_url(issuer)
    try:
        document = _fetched(url)
        if document.get("issuer") != issuer:
            seen = f"{url} is the document of {document.get('issuer')!r}"
            return wrong(subject, seen, "set speakerIssuer to that text, to the letter")
        keys_url = str(document.get("jwks_uri"))
        if urlsplit(keys_url).scheme != urlsplit(url).scheme:
            return wrong(subject, f"{url} has {keys_url!r} for jwks_uri", way_out)
        keys: Any = _fetched(keys_url).get("keys")
    except _Unreadable as reason:
        return unknown(subject, str(reason), f"see from elsewhere whether it is there; {way_out}")
    kinds = [key.get("kty") for key in keys or () if isinstance(key, dict)]
    usable = sum(kind in KEY_TYPES for kind in kinds)
    if not usable:
        return wrong(subject, f"{keys_url} has no key for RS256 or ES256", way_out)
    return right(subject, f"found, with {usable} keys for RS256 or ES256")


def _fetched(url: str) -> Mapping[str, Any]:
    """Raises _Unreadable."""
    try:
        # The settings and _checked let no other scheme than https through.
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_SECONDS) as response:  # noqa: S310
            document = json.load(response)
    except (OSError, HTTPException, ValueError) as error:
        raise _Unreadable(f"{url} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise _Unreadable(f"{url} is not a JSON object")
    return document
