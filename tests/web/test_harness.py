"""What the other browser tests rely on."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.local.audio.rooms import open_room
from tests.patience import wait_until
from tests.web.browsing import PHONE, Browse, assert_accessible
from tests.web.site import Site

OPEN_SOCKET = """async () => {
    const { websocketUrl } = await (await fetch("config.json")).json();
    window.socket = new WebSocket(websocketUrl, ["live-sessions.v1"]);
    window.ended = new Promise((done) => { socket.onclose = ({ code }) => done(code); });
    return new Promise((done) => { socket.onopen = () => done(socket.protocol); });
}"""
FAIL_TO_OPEN_SOCKET = OPEN_SOCKET.replace(
    "new Promise((done) => { socket.onopen = () => done(socket.protocol); })", "ended"
)
HEAR = """async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    await context.resume();
    const samples = new Float32Array(analyser.fftSize);
    while (!samples.some((sample) => Math.abs(sample) > 0.05)) {
        await new Promise((done) => setTimeout(done, 10));
        analyser.getFloatTimeDomainData(samples);
    }
    return true;
}"""


@pytest.mark.parametrize(("path", "title"), [("", "Live captions"), ("speak.html", "Speak")])
def test_both_pages_open_without_a_problem(browse: Browse, path: str, title: str) -> None:
    expect(browse(path).get_by_role("heading", level=1)).to_have_text(title)


def test_a_page_reaches_the_websocket_api_and_a_cut_closes_its_socket(
    browse: Browse, site: Site
) -> None:
    page = browse()
    assert page.evaluate(OPEN_SOCKET) == "live-sessions.v1"
    site.network.cut()
    assert page.evaluate("ended") == 1006


def test_a_page_on_a_network_that_is_down_opens_no_socket(browse: Browse, site: Site) -> None:
    browse.allow("WebSocket connection")
    page = browse()
    with site.network.down():
        assert page.evaluate(FAIL_TO_OPEN_SOCKET) == 1006
    assert page.evaluate(OPEN_SOCKET) == "live-sessions.v1"


def test_the_microphone_plays_the_recording(browse: Browse) -> None:
    assert browse().evaluate(HEAR)


def test_a_microphone_that_is_not_allowed_is_refused(browse: Browse) -> None:
    page = browse(may_use_microphone=False)
    failed = page.evaluate(
        "navigator.mediaDevices.getUserMedia({ audio: true }).catch((error) => error.name)"
    )
    assert failed == "NotAllowedError"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("setTimeout(() => { throw new Error('oh'); })", "page error: oh"),
        ("console.error('oh')", "console: oh"),
        ("document.body.innerHTML = '<p style=\"color: red\">oh'", "Content Security Policy"),
        ("fetch('https://example.com').catch(() => 0)", "Content Security Policy"),
    ],
)
def test_what_goes_wrong_in_a_page_is_noticed(browse: Browse, script: str, problem: str) -> None:
    page = browse()
    assert not browse.problems
    page.evaluate(script)
    wait_until(lambda: noticed(browse, page, problem))
    browse.allow("")


def noticed(browse: Browse, page: Page, problem: str) -> bool:
    page.evaluate("0")  # takes what the browser has sent
    return any(problem in each for each in browse.unexpected())


def test_the_page_is_as_wide_and_as_dark_as_asked(browse: Browse) -> None:
    page = browse(viewport=PHONE, color_scheme="dark")
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [
        PHONE[0],
        True,
    ]


def test_axe_finds_what_is_not_accessible(browse: Browse) -> None:
    page = browse()
    page.evaluate("document.getElementById('page').append(document.createElement('button'))")
    with pytest.raises(AssertionError, match="button-name"):
        assert_accessible(page)


def test_a_speaker_and_a_listener_in_python_share_the_cloud_with_the_pages(site: Site) -> None:
    _, listener, _ = open_room(site.cloud)
    assert listener.is_open


def test_the_speaker_can_sign_in_on_the_hosted_page(browse: Browse, site: Site) -> None:
    config: dict[str, Any] = json.load(urllib.request.urlopen(f"{site.url}/config.json"))  # noqa: S310
    sign_in = config["signIn"]
    page = browse(
        f"{sign_in['authorizationEndpoint']}?response_type=code&client_id={sign_in['clientId']}"
        f"&redirect_uri={site.url}/speak.html&scope={sign_in['scope']}&state=s"
        f"&code_challenge={'c' * 43}&code_challenge_method=S256"
    )
    page.locator("input[name=username]").fill(site.username)
    page.locator("input[type=password]").fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/speak.html?code=*&state=s")
