"""An issuer's public keys: fetched over HTTP, kept, and fetched again for a key that is new."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, cast
from urllib.parse import urlsplit

import jwt
from jwt import PyJWK

from contract import metrics
from live_sessions.aws.runtime import Clock, emit, logger

ALGORITHMS = ("RS256", "ES256")
FETCH_TIMEOUT_SECONDS = 3
DOCUMENT_LIMIT_BYTES = 512 * 1024
LIFESPAN_SECONDS = 3_600
PAUSE_SECONDS = 30
"""Between fetches, whatever the clients send."""

OUTAGE_SECONDS = 24 * 3_600
"""How long the last keys serve while no new ones can be fetched."""

Fetch = Callable[[str], Any]
"""A URL in, the JSON document there out; raises KeysUnavailable."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be fetched, or what was fetched holds none."""


class KeyUnknown(Exception):
    """The issuer has no such key, or several."""


class SigningKeys:
    """The keys at `url`: a JSON Web Key Set, or the issuer's discovery document, which names it.

    Ages are by the wall clock: a monotonic clock may stand still while the function is frozen.
    https://openid.net/specs/openid-connect-discovery-1_0.html
    """

    def __init__(self, url: str, issuer: str, clock: Clock, fetch: Fetch) -> None:
        self._url = url
        self._issuer = issuer
        self._clock = clock
        self._fetch = fetch
        self._keys: tuple[PyJWK, ...] = ()
        self._fetched_ms = 0
        self._tried_ms = 0

    def key_of(self, algorithm: str, key_id: str | None) -> PyJWK:
        """The key with this id; without an id, the only one of the algorithm.

        An unknown key causes one fetch, unless the last one was within the pause. Raises
        KeysUnavailable and KeyUnknown.
        """
        now_ms = self._clock.now_ms()
        is_paused = now_ms - self._tried_ms < PAUSE_SECONDS * 1000
        is_old = now_ms - self._fetched_ms >= LIFESPAN_SECONDS * 1000
        is_fresh = False
        if not self._keys or (is_old and not is_paused):
            self._refresh(now_ms)
            is_fresh = True
        found = self._matching(algorithm, key_id)
        if not found and not is_fresh and not is_paused:
            self._refresh(now_ms)
            found = self._matching(algorithm, key_id)
        if len(found) != 1:
            raise KeyUnknown("no key matches" if not found else "several keys match")
        return found[0]

    def _matching(self, algorithm: str, key_id: str | None) -> list[PyJWK]:
        return [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]

    def _refresh(self, now_ms: int) -> None:
        """Fetch the keys; those in hand go on serving for a while if that fails."""
        self._tried_ms = now_ms
        try:
            self._keys = self._fetched()
            self._fetched_ms = now_ms
        except KeysUnavailable as failure:
            emit({metrics.KEYS_UNAVAILABLE: 1})
            if now_ms - self._fetched_ms >= OUTAGE_SECONDS * 1000:
                self._keys = ()
                raise
            logger.warning("keys not fetched", extra={"reason": str(failure)})

    def _fetched(self) -> tuple[PyJWK, ...]:
        document = _object(self._fetch(self._url), self._url)
        if "keys" not in document:
            document = _object(self._fetch(self._keys_url(document)), "the key set")
        keys = tuple(_usable_keys(document))
        if not keys:
            raise KeysUnavailable(f"there is no key for {' or '.join(ALGORITHMS)}")
        return keys

    def _keys_url(self, discovery: dict[str, Any]) -> str:
        """The address in a discovery document, which must be the issuer's own."""
        if discovery.get("issuer") != self._issuer:
            raise KeysUnavailable(f"the document at {self._url} is of another issuer")
        url = discovery.get("jwks_uri")
        if not isinstance(url, str) or urlsplit(url).scheme != urlsplit(self._url).scheme:
            raise KeysUnavailable(f"the document at {self._url} has no valid jwks_uri")
        return url


def _object(document: Any, name: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{name} is not a JSON object")
    return cast(dict[str, Any], document)


def _usable_keys(document: dict[str, Any]) -> Iterator[PyJWK]:
    """The keys for signatures by ALGORITHMS; a set may hold others as well."""
    keys = document.get("keys")
    for each in cast(list[Any], keys) if isinstance(keys, list) else []:
        try:
            key = PyJWK(each)
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
            continue
        if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig"):
            yield key


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: it could lead away from TLS, or to another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def fetch_json(url: str) -> Any:
    """The JSON document at the URL; raises KeysUnavailable, also for one that is over the limit."""
    try:
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(url, timeout=FETCH_TIMEOUT_SECONDS) as response:
            return json.loads(response.read(DOCUMENT_LIMIT_BYTES))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise KeysUnavailable(f"{url} cannot be read: {type(error).__name__}: {error}") from None
