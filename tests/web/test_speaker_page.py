"""The speaker page: from the sign-in to the transcript, with the local cloud behind it."""

from __future__ import annotations

import json
import re
from typing import Literal

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.local.test_transcripts import close
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.web.browsing import PHONE, Browse, assert_accessible
from tests.web.site import Site
from tests.web.speaking import PAGE, SpeakerPage, expect_no_horizontal_scrolling

ENGLISH = re.compile("welcome|meeting|people|listener|words|language", re.IGNORECASE)
SPANISH = re.compile("bienvenid|reunión|gente|personas|sala|palabras|idioma", re.IGNORECASE)


def listener_page(browse: Browse, speaker: SpeakerPage, language: str) -> Page:
    """A listener who has opened the join link and reads in that language, such as `es`."""
    link = speaker.join_link.replace("#", f"&language={language}#", 1)
    if "#" not in link:
        link += f"&language={language}"
    return browse(link)


@pytest.mark.timeout(300)
def test_what_is_said_is_read_in_english_and_spanish_on_two_listener_pages(
    browse: Browse, site: Site
) -> None:
    speaker = SpeakerPage.live(browse, site)
    english = listener_page(browse, speaker, "en")
    spanish = listener_page(browse, speaker, "es")
    listeners = speaker.page.get_by_role("region", name="Listeners")
    expect(listeners.get_by_role("row", name="English 1")).to_be_visible()
    expect(listeners.get_by_role("row", name="Spanish 1")).to_be_visible()
    expect(listeners.get_by_role("status")).to_have_text("2 listeners")
    expect(speaker.understood.filter(has_text=ENGLISH).first).to_be_visible()
    expect(english.get_by_role("log", name="Captions")).to_contain_text(ENGLISH)
    expect(spanish.get_by_role("log", name="Captions")).to_contain_text(SPANISH)


def test_the_level_of_the_microphone_is_a_meter_before_and_during_a_session(
    browse: Browse, site: Site
) -> None:
    speaker = SpeakerPage.signed_in(browse, site)
    meter = speaker.page.get_by_role("meter", name="Microphone level")
    expect(meter).to_have_count(0)
    speaker.press("Test the microphone")
    wait_until(lambda: int(meter.get_attribute("aria-valuenow") or 0) > 0)
    speaker.press("Stop the test")
    expect(meter).to_have_count(0)
    speaker.press("Start the session")
    speaker.expect_heading("You are live")
    wait_until(lambda: int(meter.get_attribute("aria-valuenow") or 0) > 0)


def test_pausing_muting_and_the_volume_are_seen_by_listeners(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    listener = site.cloud.listener()
    listener.join(speaker.session_id, "en")
    broadcast = speaker.page.get_by_role("region", name="Broadcast")
    for button, words, frame in (
        ("Pause", "Paused", "broadcastPaused"),
        ("Resume", "reads what you say", "broadcastResumed"),
        ("Mute", "Muted", "broadcastMuted"),
        ("Unmute", "reads what you say", "broadcastUnmuted"),
    ):
        speaker.press(button)
        expect(broadcast.get_by_role("status").first).to_contain_text(words)
        listener.expect(frame, timeout_seconds=PATIENCE_SECONDS)
    volume = speaker.page.get_by_role("slider", name="Volume")
    volume.press("Home")
    expect(broadcast.get_by_role("status").first).to_contain_text("volume is 0")
    assert listener.expect("volumeChanged", timeout_seconds=PATIENCE_SECONDS)["volumeLevel"] == 0


def test_a_reload_takes_the_session_back_with_its_passcode_and_goes_on(
    browse: Browse, site: Site
) -> None:
    speaker = SpeakerPage.live(browse, site, "Listeners need a passcode")
    session_id, passcode = speaker.session_id, speaker.passcode
    expect(speaker.page.get_by_text(passcode, exact=True)).to_be_visible()
    listener = site.cloud.listener()
    listener.join(session_id, "en", passcode=passcode)
    speaker.page.reload()
    speaker.expect_heading("You are live")
    assert (speaker.session_id, speaker.passcode) == (session_id, passcode)
    assert passcode not in json.dumps(speaker.page.evaluate("({...sessionStorage})"))
    expect(speaker.understood.first).to_be_visible()
    assert listener.expect("caption", timeout_seconds=PATIENCE_SECONDS)["sessionId"] == session_id
    assert not listener.received("sessionEnded")


def test_a_second_tab_takes_the_session_and_the_first_says_so_and_can_take_it_back(
    browse: Browse, site: Site
) -> None:
    first = SpeakerPage.live(browse, site)
    session_id = first.session_id
    with first.page.expect_popup() as opened:
        # As when a browser duplicates a tab: what the tab keeps is copied.
        first.page.evaluate("void window.open(location.href)")
    second = SpeakerPage(opened.value, site)
    second.expect_heading("You are live")
    assert second.session_id == session_id
    first.expect_heading("This tab is not live")
    first.expect_alert("another tab")
    first.press("Take it back here")
    first.expect_heading("You are live")
    second.expect_heading("This tab is not live")
    assert first.session_id == session_id


def test_a_session_that_goes_on_with_another_device_is_said(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    other = site.cloud.speaker()
    other.refresh(speaker.session_id)
    # The service tells whoever sends audio without being in a session.
    speaker.expect_heading("This tab is not live")
    expect(speaker.button("Take it back here")).to_be_visible()


def test_a_refused_microphone_is_said_with_the_way_out_before_and_during_a_session(
    browse: Browse, site: Site
) -> None:
    speaker = SpeakerPage.signed_in(browse, site, may_use_microphone=False)
    speaker.press("Test the microphone")
    speaker.expect_alert("The microphone is blocked for this page.")
    speaker.press("Start the session")
    speaker.expect_heading("You are live")
    speaker.expect_alert("The microphone is blocked for this page.")
    speaker.page.context.grant_permissions(["microphone"])
    speaker.press("Start the microphone")
    expect(speaker.button("Stop the microphone")).to_be_visible()
    expect(speaker.page.get_by_role("alert").filter(has_text="blocked")).to_have_count(0)


def test_a_microphone_can_be_stopped_and_started_again(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    speaker.press("Stop the microphone")
    broadcast = speaker.page.get_by_role("region", name="Broadcast")
    expect(broadcast.get_by_role("status").first).to_contain_text("The microphone is off")
    microphone = speaker.page.get_by_label("Microphone", exact=True)
    expect(microphone.get_by_role("option")).not_to_have_count(1)
    microphone.select_option(index=1)
    speaker.press("Start the microphone")
    expect(broadcast.get_by_role("status").first).to_contain_text("reads what you say")


def test_listeners_are_told_of_the_end_and_the_speaker_reads_a_summary(
    browse: Browse, site: Site
) -> None:
    speaker = SpeakerPage.live(browse, site)
    listener = site.cloud.listener()
    listener.join(speaker.session_id, "es")
    expect(speaker.page.get_by_role("row", name="Spanish 1")).to_be_visible()
    expect(speaker.understood.first).to_be_visible()
    speaker.press("End the session")
    speaker.press("Go on speaking")
    speaker.expect_heading("You are live")
    speaker.end()
    assert (
        listener.expect("sessionEnded", timeout_seconds=PATIENCE_SECONDS)["reason"]
        == "speakerEnded"
    )
    main = speaker.page.get_by_role("main")
    expect(main).to_contain_text("You ended it.")
    expect(main).to_contain_text("Spanish")
    speaker.page.reload()
    speaker.expect_heading("The session is over")
    speaker.press("New session")
    speaker.expect_heading("Your session")


def test_a_session_that_ended_while_the_page_was_away_is_over(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    session_id = speaker.session_id
    speaker.page.goto("about:blank")
    other = site.cloud.speaker()
    other.refresh(session_id)
    other.ask("endSession")
    speaker.page.goto(f"{site.url}/{PAGE}")
    speaker.expect_heading("The session is over")
    expect(speaker.page.get_by_role("main")).to_contain_text("while this page was away")


def test_a_kept_transcript_is_downloaded_by_language_and_format(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site, "Keep a transcript")
    listener = site.cloud.listener()
    listener.join(speaker.session_id, "es")
    session_id = speaker.session_id
    expect(speaker.page.get_by_role("row", name="Spanish 1")).to_be_visible()
    expect(speaker.understood.first).to_be_visible()
    listener.expect("caption", timeout_seconds=PATIENCE_SECONDS)
    speaker.end()
    expect(speaker.page.get_by_text("The transcript is being written")).to_be_visible()
    close(site.cloud, session_id)
    speaker.page.get_by_label("Language").select_option("Spanish")
    speaker.page.get_by_label("Subtitles (.srt)").check()
    with speaker.page.expect_download() as downloading:
        speaker.press("Download")
    assert downloading.value.suggested_filename == f"{session_id}.es.srt"
    assert "-->" in downloading.value.path().read_text()
    speaker.expect_heading("The session is over")


def test_without_a_kept_transcript_none_is_asked_for(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    speaker.end()
    expect(speaker.page.get_by_role("heading", name="Transcript")).to_have_count(0)


def test_a_wrong_password_is_refused_and_the_right_one_goes_on(browse: Browse, site: Site) -> None:
    browse.allow("/login")
    speaker = SpeakerPage.open(browse, site)
    speaker.sign_in("not the password")
    expect(speaker.page.locator("input[type=password]")).to_be_visible()
    speaker.fill_hosted_page(site.password)
    speaker.expect_heading("Your session")
    expect(speaker.page.get_by_text(f"Signed in as {site.username}")).to_be_visible()
    assert speaker.page.url == f"{site.url}/{PAGE}"


@pytest.mark.parametrize("answer", ["code=abc", "error=access_denied"])
def test_a_sign_in_that_this_tab_did_not_begin_is_said(
    browse: Browse, site: Site, answer: str
) -> None:
    speaker = SpeakerPage(browse(f"{PAGE}?{answer}&state=xyz"), site)
    speaker.expect_alert("Sign in again.")
    assert speaker.page.url == f"{site.url}/{PAGE}"


def test_signing_out_leaves_nothing_of_the_sign_in(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.signed_in(browse, site)
    speaker.press("Sign out")
    speaker.expect_heading("Speak")
    assert "id_token" not in json.dumps(speaker.page.evaluate("({...sessionStorage})"))
    speaker.page.reload()
    speaker.expect_heading("Speak")


def test_an_expired_token_is_renewed_before_a_socket_is_opened(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    session_id, before = speaker.session_id, speaker.id_token
    # As an hour later: the token has ended, and the service would refuse it.
    speaker.change_user("user.profile.exp = 1; user.expires_at = 1")
    speaker.page.reload()
    speaker.expect_heading("You are live")
    assert speaker.session_id == session_id
    assert speaker.id_token != before


def test_a_sign_in_that_cannot_be_renewed_is_said_and_the_session_taken_back_after_another(
    browse: Browse, site: Site
) -> None:
    browse.allow("oauth2/token")
    speaker = SpeakerPage.live(browse, site)
    session_id = speaker.session_id
    speaker.change_user("user.profile.exp = 1; user.expires_at = 1; user.refresh_token = 'revoked'")
    speaker.page.reload()
    speaker.expect_alert("Your sign-in has expired.")
    speaker.press("Sign in")
    speaker.fill_hosted_page(site.password)
    speaker.expect_heading("You are live")
    assert speaker.session_id == session_id


def test_a_lost_connection_is_said_and_the_session_goes_on(browse: Browse, site: Site) -> None:
    browse.allow("WebSocket connection")
    speaker = SpeakerPage.live(browse, site)
    session_id = speaker.session_id
    with site.network.down():
        speaker.expect_alert("The connection was lost.")
    expect(speaker.page.get_by_text("Connected", exact=True)).to_be_visible()
    assert speaker.session_id == session_id
    count = speaker.understood.count()
    expect(speaker.understood.nth(count)).to_be_visible()


def test_choices_are_remembered(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.signed_in(browse, site)
    language = speaker.page.get_by_role("combobox", name="You speak")
    language.fill("scotland")
    language.press("Enter")
    speaker.page.get_by_label("Listeners need a passcode").check()
    speaker.page.get_by_label("Show words while they are spoken").uncheck()
    speaker.page.reload()
    expect(language).to_have_value("English (Scotland)")
    expect(speaker.page.get_by_label("Listeners need a passcode")).to_be_checked()
    expect(speaker.page.get_by_label("Show words while they are spoken")).not_to_be_checked()


def test_the_join_link_is_copied_and_shown_large(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site, "Listeners need a passcode")
    speaker.page.context.grant_permissions(["clipboard-read", "clipboard-write", "microphone"])
    speaker.press("Copy the link")
    expect(speaker.button("Copied")).to_be_visible()
    assert speaker.page.evaluate("navigator.clipboard.readText()") == speaker.join_link
    speaker.press("Show the QR code large")
    dialog = speaker.page.get_by_role("dialog")
    code = dialog.get_by_role("img", name=re.compile("QR code"))
    expect(code).to_be_visible()
    box = code.bounding_box()
    assert box is not None
    assert box["width"] > 400
    expect(dialog).to_contain_text(speaker.passcode)
    speaker.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_leaving_a_live_session_asks_first(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.live(browse, site)
    kinds: list[str] = []

    def leave(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        dialog.accept()

    speaker.page.on("dialog", leave)
    speaker.page.reload()
    assert kinds == ["beforeunload"]
    speaker.expect_heading("You are live")
    speaker.end()
    speaker.page.reload()
    assert kinds == ["beforeunload"]


def test_a_page_of_a_stack_without_sign_in_says_so(browse: Browse, site: Site) -> None:
    page = browse()
    config = page.evaluate("fetch('config.json').then((answer) => answer.json())")
    page.route("**/config.json", lambda route: route.fulfill(json={**config, "signIn": None}))
    page.goto(PAGE)
    expect(page.get_by_role("main")).to_contain_text("Nobody can sign in at this address")
    page.get_by_role("link", name="Go to the listener page").click()
    page.wait_for_url(f"{site.url}/")


def test_a_page_that_is_not_secure_says_that_speaking_needs_https(
    browse: Browse, site: Site
) -> None:
    browse.allow("Cross-Origin-Opener-Policy")
    page = browse()
    insecure = "http://pages.example"
    page.route(
        f"{insecure}/**",
        lambda route: route.fulfill(
            response=route.fetch(url=site.url + route.request.url.removeprefix(insecure))
        ),
    )
    page.goto(f"{insecure}/{PAGE}")
    expect(page.get_by_role("main")).to_contain_text("Speaking needs https")


def test_a_page_whose_config_cannot_be_read_says_so(browse: Browse) -> None:
    browse.allow("config.json")
    page = browse()
    page.route("**/config.json", lambda route: route.fulfill(status=503))
    page.goto(PAGE)
    expect(page.get_by_role("main")).to_contain_text("could not read its own settings")


def test_a_session_is_begun_and_ended_with_the_keyboard_alone(browse: Browse, site: Site) -> None:
    speaker = SpeakerPage.open(browse, site)
    keyboard = speaker.page.keyboard

    def tab_to(name: str) -> None:
        button = speaker.button(name)
        expect(button).to_be_visible()
        for _ in range(40):
            keyboard.press("Tab")
            if button.count() == 1 and button.evaluate("each => each === document.activeElement"):
                return
        pytest.fail(f"{name} is not reached by Tab")

    tab_to("Sign in")
    keyboard.press("Enter")
    speaker.fill_hosted_page(site.password)
    speaker.expect_heading("Your session")
    tab_to("Start the session")
    keyboard.press("Enter")
    speaker.expect_heading("You are live")
    heading = speaker.page.get_by_role("heading", level=1)
    expect(heading).to_be_focused()
    tab_to("Pause")
    keyboard.press("Space")
    expect(speaker.button("Resume")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    expect(speaker.button("End the session")).to_be_focused()
    keyboard.press("Enter")
    tab_to("End for everyone")
    keyboard.press("Enter")
    speaker.expect_heading("The session is over")
    expect(heading).to_be_focused()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_every_state_is_accessible_in_both_themes_and_fits_a_phone(
    browse: Browse, site: Site, color_scheme: Literal["light", "dark"]
) -> None:
    speaker = SpeakerPage.open(browse, site, color_scheme=color_scheme, reduced_motion="reduce")
    page = speaker.page
    wide = page.viewport_size
    assert wide is not None

    def look() -> None:
        for width, height in (PHONE, (wide["width"], wide["height"])):
            page.set_viewport_size({"width": width, "height": height})
            expect_no_horizontal_scrolling(page)
            assert_accessible(page)

    def in_dialog(button: str) -> None:
        speaker.press(button)
        expect(page.get_by_role("dialog")).to_be_visible()
        look()
        page.keyboard.press("Escape")

    look()
    speaker.sign_in()
    speaker.press("Test the microphone")
    expect(page.get_by_role("meter")).to_be_visible()
    look()
    page.get_by_role("combobox", name="You speak").click()
    look()
    page.keyboard.press("Escape")
    in_dialog("Colours")
    for label in ("Listeners need a passcode", "Keep a transcript"):
        page.get_by_label(label).check()
    speaker.press("Start the session")
    speaker.expect_heading("You are live")
    site.cloud.listener().join(speaker.session_id, "es", passcode=speaker.passcode)
    expect(page.get_by_role("row", name="Spanish 1")).to_be_visible()
    expect(speaker.understood.first).to_be_visible()
    look()
    in_dialog("Show the QR code large")
    speaker.press("Pause")
    expect(speaker.button("Resume")).to_be_visible()
    look()
    speaker.press("Stop the microphone")
    expect(speaker.button("Start the microphone")).to_be_visible()
    look()
    in_dialog("End the session")
    taken_by_another_tab(speaker)
    look()
    speaker.press("Take it back here")
    speaker.expect_heading("You are live")
    session_id = speaker.session_id
    speaker.end()
    look()
    close(site.cloud, session_id)
    expect(speaker.button("Download")).to_be_visible()
    look()


def taken_by_another_tab(speaker: SpeakerPage) -> None:
    with speaker.page.expect_popup() as opened:
        speaker.page.evaluate("void window.open(location.href)")
    speaker.expect_heading("This tab is not live")
    opened.value.close()
