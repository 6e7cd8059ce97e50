"""Speakers who sign in with another OIDC issuer than Cognito, which the page discovers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from playwright.sync_api import expect

from tests.patience import wait_until
from tests.web.browsing import Browse
from tests.web.pkce_issuer import CLIENT, REFRESH_TOKEN, USER, PkceIssuer, serving
from tests.web.site import Site
from tests.web.speaking import PAGE, SpeakerPage


@pytest.fixture
def issuer() -> Iterator[PkceIssuer]:
    with serving() as issuer:
        yield issuer


@pytest.fixture
def speaker(browse: Browse, site: Site, issuer: PkceIssuer) -> SpeakerPage:
    """A page whose config names the issuer; what the policy allows is up to the stack."""
    browse.allow("favicon")
    page = browse("", bypass_csp=True)
    config: dict[str, Any] = page.evaluate("fetch('config.json').then((answer) => answer.json())")
    sign_in = {"authority": issuer.url, "clientId": CLIENT, "scope": "openid email"}
    page.route("**/config.json", lambda route: route.fulfill(json={**config, "signIn": sign_in}))
    page.goto(PAGE)
    return SpeakerPage(page, site)


def answer(speaker: SpeakerPage, link: str) -> None:
    speaker.press("Sign in")
    speaker.page.get_by_role("link", name=link).click()


def test_a_speaker_signs_in_with_pkce_and_the_socket_is_given_the_issuers_id_token(
    browse: Browse, speaker: SpeakerPage, issuer: PkceIssuer
) -> None:
    # This stack does not know the issuer.
    browse.allow("WebSocket connection")
    answer(speaker, "Allow")
    speaker.expect_heading("Your session")
    expect(speaker.page.get_by_text(f"Signed in as {USER}")).to_be_visible()
    offered: list[str] = []

    def opening(event: dict[str, Any]) -> None:
        offered.append(event["request"]["headers"]["Sec-WebSocket-Protocol"])

    devtools = speaker.page.context.new_cdp_session(speaker.page)
    devtools.on("Network.webSocketWillSendHandshakeRequest", opening)
    devtools.send("Network.enable")
    speaker.press("Start the session")
    speaker.expect_alert("does not accept the sign-in")
    wait_until(lambda: offered)
    id_token = offered[0].partition("bearer.")[2]
    key = jwt.PyJWKClient(f"{issuer.url}/keys").get_signing_key_from_jwt(id_token)
    claims = jwt.decode(id_token, key, algorithms=["RS256"], audience=CLIENT, issuer=issuer.url)
    assert claims["sub"] == USER


def test_a_speaker_who_declines_reads_that_and_can_try_again(
    speaker: SpeakerPage,
) -> None:
    answer(speaker, "Deny")
    speaker.expect_alert("refused or cancelled")
    answer(speaker, "Allow")
    speaker.expect_heading("Your session")


def test_signing_out_ends_the_sign_in_here_and_at_the_issuer(
    speaker: SpeakerPage, issuer: PkceIssuer
) -> None:
    answer(speaker, "Allow")
    speaker.expect_heading("Your session")
    speaker.press("Sign out")
    speaker.expect_heading("Speak")
    assert [each.keys() >= {"id_token_hint"} for each in issuer.ended] == [True]
    revoked = {"token": REFRESH_TOKEN, "token_type_hint": "refresh_token", "client_id": CLIENT}
    assert issuer.revoked == [revoked]


def test_a_code_that_the_issuer_does_not_exchange_is_a_refused_sign_in(
    browse: Browse, speaker: SpeakerPage, issuer: PkceIssuer
) -> None:
    browse.allow("/token")
    speaker.press("Sign in")
    speaker.page.get_by_role("link", name="Allow").wait_for()
    issuer.granted.clear()
    speaker.page.get_by_role("link", name="Allow").click()
    speaker.expect_alert("refused or cancelled")


def test_an_issuer_that_cannot_be_reached_is_said(browse: Browse, speaker: SpeakerPage) -> None:
    browse.allow("openid-configuration")
    speaker.page.route("**/.well-known/openid-configuration", lambda route: route.abort())
    speaker.press("Sign in")
    speaker.expect_alert("The sign-in service cannot be reached.")
