"""From `make run` to the captions on a phone, by the addresses that it prints."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from local.pages.listen_address import ListenAddressError, listen_address
from tests.local.runs import READY_TIMEOUT_SECONDS, Run, Runs
from tests.web.browsing import BESIDE, PHONE, Browse, Browsers, assert_accessible

pytest.importorskip("pocketsphinx", reason="it hears English for the local cloud")

# Of the recording. A busy machine translates too late, and the page says so.
ENGLISH = re.compile("welcome|meeting|people|listener", re.IGNORECASE)
SPANISH = re.compile("bienvenid|reunión|gente|personas|Not translated", re.IGNORECASE)
SIGN_IN = re.compile(
    r"speak: +(?P<url>\S+) \(sign in as (?P<username>\S+) with (?P<password>\S+)\)"
)


class Printed(NamedTuple):
    """What `make run` has printed."""

    speak: str
    listen: str
    phones: str
    username: str
    password: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    try:
        listen_address(BESIDE.address)
    except ListenAddressError:
        pytest.skip("this machine has one loopback address")
    runs = Runs(tmp_path_factory.mktemp("runs"))
    try:
        yield runs.start("--listen", BESIDE.address)
    finally:
        runs.kill()


@pytest.fixture(scope="module")
def printed(run: Run) -> Printed:
    run.wait_until_ready()
    found = SIGN_IN.fullmatch(run.wait_for("speak: ", READY_TIMEOUT_SECONDS))
    assert found
    speak, username, password = found.groups()
    return Printed(speak, run.page("listen"), run.page("phones"), username, password)


@pytest.fixture
def browse(browsers: Browsers, printed: Printed) -> Iterator[Browse]:
    """Opens the pages that `make run` serves; as in conftest.py, problems fail the test."""
    browse = Browse(browsers, printed.listen.rstrip("/"))
    yield browse
    browse.close()
    assert not browse.unexpected(), "\n".join(browse.unexpected())


@pytest.mark.timeout(300)
def test_what_is_said_on_the_speaker_page_is_read_on_a_phone_until_the_session_ends(
    browse: Browse, run: Run, printed: Printed
) -> None:
    speaker = browse(printed.speak)
    speaker.get_by_role("button", name="Sign in", exact=True).click()
    speaker.locator("input[name=username]").fill(printed.username)
    speaker.locator("input[type=password]").fill(printed.password)
    speaker.keyboard.press("Enter")
    speaker.get_by_role("button", name="Start the session", exact=True).click()
    join_link = speaker.get_by_label("Join link")
    expect(join_link).to_have_value(re.compile("session="))
    link = urlsplit(join_link.input_value())
    assert f"{link.scheme}://{link.netloc}/" == printed.phones

    on_phone = link._replace(netloc=f"{BESIDE.name}:{link.port}")
    phone = browse(on_phone.geturl(), viewport=PHONE, locale="es-ES")
    assert not phone.evaluate("isSecureContext"), "a phone has no https here"
    phone.get_by_role("button", name="Join", exact=True).click()
    expect(phone.get_by_role("log", name="Captions")).to_contain_text(SPANISH)
    laptop = browse(f"{printed.listen}?{link.query}&language=en")
    expect(laptop.get_by_role("log", name="Captions")).to_contain_text(ENGLISH)
    expect(speaker.get_by_role("status").filter(has_text="2 listeners")).to_be_visible()
    assert_accessible(phone)

    speaker.get_by_role("button", name="End the session", exact=True).click()
    speaker.get_by_role("button", name="End for everyone", exact=True).click()
    for page in (phone, laptop):
        expect(page.get_by_text("The session has ended.").first).to_be_visible()
    assert run.end(signal.SIGINT) == 0
