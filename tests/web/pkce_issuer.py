"""An OIDC issuer on loopback whose public clients sign in by the code flow with PKCE.

It checks what oauth.net/2/pkce asks of a server; its one user consents with a click.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.issuer import RSA_KEY, answering_on_loopback, public, token

CLIENT = "live-sessions-pages"
USER = "ada@example.com"
REFRESH_TOKEN = "the-refresh-token"
KEY_ID = "k1"


@dataclass
class PkceIssuer:
    """`granted` is the authorization requests by their code, until it is exchanged; `ended` and
    `revoked` are the requests to sign out and to revoke a token.
    """

    url: str
    granted: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: list[dict[str, str]] = field(default_factory=list)
    revoked: list[dict[str, str]] = field(default_factory=list)

    def documents(self) -> dict[str, object]:
        """What it publishes, by path."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "end_session_endpoint": f"{self.url}/end",
                "revocation_endpoint": f"{self.url}/revoke",
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [public(RSA_KEY, KEY_ID)]},
        }

    def consent(self, asked: dict[str, str]) -> str:
        """The page that asks the user; either answer leads back to the client."""
        refused = {"error": "access_denied", "state": asked["state"]}
        code = secrets.token_urlsafe()
        self.granted[code] = asked
        links = "".join(
            f'<a href="{escape(asked["redirect_uri"])}?{escape(urlencode(answer))}">{name}</a> '
            for name, answer in (
                ("Allow", {"code": code, "state": asked["state"]}),
                ("Deny", refused),
            )
        )
        return f"<!doctype html><title>Consent</title>{links}"

    def exchange(self, sent: dict[str, str]) -> dict[str, object] | None:
        """The tokens for a code, once; None if the code or its verifier is wrong."""
        asked = self.granted.pop(sent.get("code", ""), None)
        if asked is None or asked["code_challenge_method"] != "S256":
            return None
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        same = ("client_id", "redirect_uri")
        if challenge != asked["code_challenge"] or any(sent[each] != asked[each] for each in same):
            return None
        id_token = token(self.url, aud=CLIENT, sub=USER, email=USER, nonce=asked.get("nonce"))
        return {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": id_token,
            "refresh_token": REFRESH_TOKEN,
        }


@contextmanager
def serving() -> Iterator[PkceIssuer]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = dict(parse_qsl(address.query))
            if address.path == "/authorize":
                self._send(200, "text/html", issuer.consent(query))
            elif address.path == "/end":
                issuer.ended.append(query)
                self.send_response(302)
                self.send_header("Location", query["post_logout_redirect_uri"])
                self.end_headers()
            else:
                self._send_json(issuer.documents().get(address.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = dict(parse_qsl(body))
            if self.path == "/revoke":
                issuer.revoked.append(sent)
                self._send(200, "application/json", "")
            else:
                self._send_json(issuer.exchange(sent))

        def _send_json(self, document: object) -> None:
            refusal = {"error": "invalid_grant"}
            status = 400 if document is None else 200
            self._send(status, "application/json", json.dumps(document or refusal))

        def _send(self, status: int, kind: str, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            # Pages of other origins may read it, as clients without a secret need.
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with answering_on_loopback(Answers, ThreadingHTTPServer) as url:
        issuer = PkceIssuer(url)
        yield issuer
