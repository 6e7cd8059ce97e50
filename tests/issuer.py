"""An OIDC issuer on loopback: its documents, its keys, and the tokens that it signs."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str | None, **fields: Any) -> dict[str, Any]:
    """The public half of a key as an item of a JSON Web Key Set."""
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    named = {} if kid is None else {"kid": kid}
    return {**kind.to_jwk(key.public_key(), as_dict=True), "use": "sig", **named, **fields}


@dataclass
class Issuer:
    """`documents` by path; a text is sent as it is, a number is the status of the answer."""

    url: str
    documents: dict[str, Any] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)

    @property
    def discovery_url(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """Have these keys, and a discovery document that names them."""
        self.documents["/keys"] = {"keys": list(keys)}
        discovery = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.documents["/.well-known/openid-configuration"] = discovery


@contextmanager
def answering_on_loopback(
    handler: type[BaseHTTPRequestHandler], server_type: type[HTTPServer] = HTTPServer
) -> Iterator[str]:
    """A server on a free port, by its URL."""
    server = server_type(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving() -> Iterator[Issuer]:
    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.requests[self.path] += 1
            document = issuer.documents.get(self.path, 404)
            status = document if isinstance(document, int) else 200
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", f"{issuer.url}/keys")
            self.end_headers()
            if status == 200:
                text = document if isinstance(document, str) else json.dumps(document)
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with answering_on_loopback(Documents) as url:
        issuer = Issuer(url)
        yield issuer


def token(
    issuer: str,
    key: Any = RSA_KEY,
    kid: str | None = "k1",
    algorithm: str = "RS256",
    headers: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """An ID token for `client-id`; a claim or header that is None is left out."""
    now = int(time.time())
    claims = {"sub": "user-7", "iss": issuer, "aud": "client-id", "iat": now, "exp": now + 3600}
    present = {name: value for name, value in (claims | changes).items() if value is not None}
    sent = {} if kid is None else {"kid": kid}
    return jwt.encode(present, key, algorithm=algorithm, headers={**sent, **(headers or {})})


def handmade(header: str, claims: str = "{}") -> str:
    """A token of any text, with a signature that is none."""
    parts = (
        base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in (header, claims)
    )
    return ".".join((*parts, "c2lnbmF0dXJl"))
