"""The listener page, as a reader meets it."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.patience import wait_until
from tests.web.browsing import PHONE, Browse, assert_accessible
from tests.web.site import Site
from tests.web.talk import Talk, Wire

LONG = "Una frase que es tan larga como las que se dicen de verdad, para que llene la página. "
ARABIC = "صباح الخير وأهلا بكم في الاجتماع السنوي."
CUT_SOCKET = r"WebSocket connection|net::ERR"


def log(page: Page) -> Locator:
    return page.get_by_role("log", name="Captions")


def captions(page: Page) -> Locator:
    return log(page).get_by_role("paragraph")


def scroller(page: Page) -> Locator:
    return page.get_by_role("region", name="Captions")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{name}"))


def submit(page: Page) -> Locator:
    return page.get_by_role("button", name="Join", exact=True)


def wait_for(page: Page, script: str) -> None:
    """Playwright's own wait evaluates in the page, which its policy forbids."""
    wait_until(lambda: page.evaluate(script))


def expect_overlay(page: Page) -> None:
    """An overlay that has joined has nothing to say."""
    expect(log(page)).to_be_attached()
    expect(page.get_by_role("status")).to_be_hidden()


def join(page: Page, session_id: str, passcode: str = "") -> None:
    page.get_by_label("Session").fill(session_id)
    page.get_by_label("Passcode").fill(passcode)
    submit(page).click()


def distance_from_end(page: Page) -> float:
    return scroller(page).evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight")


def wired(browse: Browse, talk: Talk, path: str | None = None, **options: Any) -> tuple[Page, Wire]:
    """A page that has joined, on a wire."""
    page = browse("speak.html", **options)
    wire = Wire(page)
    page.goto(talk.link("es") if path is None else path)
    expect(log(page)).to_be_attached()
    return page, wire


def say_much(wire: Wire, talk: Talk, count: int = 20, first: int = 1) -> None:
    for sequence in range(first, first + count):
        wire.send_caption(talk.session_id, sequence, f"{sequence}: {LONG}")


@pytest.fixture
def talk(site: Site) -> Talk:
    return Talk(site)


# Reading


def test_a_reader_reads_what_is_said_in_their_language(browse: Browse, site: Site) -> None:
    talk = Talk(site, "es")
    page = browse(talk.link("es"))
    expect(page.get_by_text("Captions appear here as soon as someone speaks.")).to_be_visible()
    caption = talk.say()
    shown = captions(page).first
    # On a machine that is too busy for the translation, the original is read.
    texts = [caption["text"], caption["originalText"]]
    expect(shown).to_contain_text(re.compile("|".join(map(re.escape, texts))))
    expect(shown).to_have_attribute("lang", re.compile("^(es|en)$"))
    expect(page).to_have_title(f"{talk.session_id} · Live captions")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_reader_who_comes_late_reads_what_was_said_before_them(
    browse: Browse, talk: Talk
) -> None:
    talk.say()
    talk.say()
    page = browse(talk.link("en"))
    expect(captions(page)).to_contain_text(talk.texts)


def test_a_network_that_was_cut_leaves_no_hole_and_no_double(
    browse: Browse, site: Site, talk: Talk
) -> None:
    browse.allow(CUT_SOCKET)
    page = browse(talk.link("en"))
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    with site.network.down():
        expect(page.get_by_text("The connection was lost.")).to_be_visible()
        expect(page.get_by_text("Reconnecting…")).to_be_visible()
        page.context.set_offline(True)
        expect(page.get_by_text("This device is offline.")).to_be_visible()
        page.context.set_offline(False)
        expect(page.get_by_text("This device is offline.")).to_be_hidden()
        talk.say()
    button(page, "Try now").click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("The connection was lost.")).to_be_hidden()
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)


def test_a_socket_is_replaced_before_it_is_closed_and_nothing_is_missed(
    browse: Browse, talk: Talk
) -> None:
    page = browse("speak.html")
    page.clock.install()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(talk.link("en"))
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    page.clock.fast_forward("01:51:00")
    wait_until(lambda: page.evaluate("true") and len(sockets) == 2)
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    expect(page.get_by_text("The connection was lost.")).to_be_hidden()


def test_late_captions_are_in_their_place(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk)
    for sequence in (1, 3, 2):
        wire.send_caption(talk.session_id, sequence, f"número {sequence}")
    expect(captions(page)).to_have_text(["número 1", "número 2", "número 3"])


def test_the_sentence_that_is_being_spoken_is_apart_and_is_replaced_by_its_caption(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    wire.send_caption(talk.session_id, 1, "Buenos", is_partial=True)
    expect(page.get_by_text("Buenos")).to_be_visible()
    # A screen reader announces final captions alone.
    expect(captions(page)).to_have_count(0)
    wire.send_caption(talk.session_id, 1, "Buenos días.")
    expect(captions(page)).to_have_text(["Buenos días."])
    expect(page.get_by_text("Buenos", exact=True)).to_have_count(0)


def test_a_screen_reader_announces_each_final_caption_once(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk)
    page.evaluate(
        """() => {
            window.added = [];
            new MutationObserver((records) => {
                for (const record of records)
                    for (const node of record.addedNodes) window.added.push(node.textContent);
            }).observe(document.querySelector("[role=log]"), { childList: true, subtree: true });
        }"""
    )
    texts = [f"número {sequence}" for sequence in range(1, 120)]
    for sequence, text in enumerate(texts, 1):
        wire.send_caption(talk.session_id, sequence, text[:6], is_partial=True)
        wire.send_caption(talk.session_id, sequence, text)
    expect(captions(page)).to_have_count(len(texts))
    added = "\n".join(page.evaluate("added"))
    assert [added.count(f"{text}") for text in ("número 119", "número 77")] == [1, 1]
    assert len(re.findall("número", added)) == len(texts)


def test_languages_from_the_right_are_written_from_the_right_and_untranslated_text_is_marked(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk, talk.link("ar"))
    wire.send_caption(talk.session_id, 1, ARABIC, language="ar")
    wire.send_caption(talk.session_id, 2, "Good morning.", language="ar", translated=False)
    expect(captions(page)).to_have_count(2)
    translated, original = captions(page).nth(0), captions(page).nth(1)
    expect(translated).to_have_attribute("lang", "ar")
    expect(translated).to_have_attribute("dir", "rtl")
    expect(original).to_have_attribute("lang", "en")
    expect(original).to_have_attribute("dir", "ltr")
    expect(original).to_contain_text("Not translated: English")
    expect(translated).not_to_contain_text("Not translated")
    assert_accessible(page)


def test_speech_in_the_readers_own_language_is_not_marked(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk, talk.link("en"))
    wire.send_caption(talk.session_id, 1, "Good morning.", language="en", translated=False)
    expect(captions(page)).to_have_text(["Good morning."])


# Joining


def test_a_reader_joins_by_typing_id_and_passcode_and_a_reload_is_back_in(
    browse: Browse, site: Site
) -> None:
    talk = Talk(site, access="passcode")
    assert talk.passcode is not None
    page = browse(locale="en-GB")
    join(page, talk.session_id.upper().replace("-", " "))
    problem = page.get_by_text("This session needs a passcode of six digits.")
    expect(problem).to_be_visible()
    expect(page.get_by_label("Passcode")).to_be_focused()
    wrong = f"{(int(talk.passcode) + 1) % 1_000_000:06}"
    page.get_by_label("Passcode").fill(wrong)
    submit(page).click()
    expect(page.get_by_text("This passcode is not right.")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Passcode").fill(f"{talk.passcode[:3]} {talk.passcode[3:]}")
    submit(page).click()
    expect(log(page)).to_be_attached()
    assert page.url.endswith(f"/?session={talk.session_id}&language=en")
    page.reload()
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    assert talk.passcode not in page.url


def test_a_join_links_passcode_stays_in_the_fragment(browse: Browse, site: Site) -> None:
    talk = Talk(site, access="passcode")
    requested: list[str] = []
    page = browse("speak.html")
    page.on("request", lambda request: requested.append(request.url))
    page.goto(talk.link("es", passcode=talk.passcode))
    expect(log(page)).to_be_attached()
    assert page.url.endswith(talk.link("es", passcode=talk.passcode))
    assert requested
    assert not any(f"{talk.passcode}" in url.partition("#")[0] for url in requested)


def test_a_link_that_is_opened_again_with_its_passcode_is_read_again(
    browse: Browse, site: Site
) -> None:
    talk = Talk(site, access="passcode")
    page = browse(talk.link("es"))
    expect(page.get_by_text("This session needs a passcode of six digits.")).to_be_visible()
    page.goto(talk.link("es", passcode=talk.passcode))
    expect(log(page)).to_be_attached()


def test_a_whole_link_can_be_pasted_where_the_id_belongs(browse: Browse, site: Site) -> None:
    talk = Talk(site, access="passcode")
    page = browse(locale="es-ES")
    join(page, "", "")
    expect(page.get_by_text("Enter the session’s id, or paste its link.")).to_be_visible()
    page.get_by_label("Session").fill(f"{site.url}/{talk.link('fr', passcode=talk.passcode)}")
    expect(page.get_by_label("Session")).to_have_value(talk.session_id)
    expect(page.get_by_label("Passcode")).to_have_value(talk.passcode or "")
    expect(page.get_by_label("Captions in")).to_have_value("French")
    submit(page).click()
    expect(button(page, "Language: French")).to_be_visible()


def test_a_link_without_language_offers_the_browsers_own_and_the_choice_is_remembered(
    browse: Browse, talk: Talk
) -> None:
    page = browse(talk.link(), locale="es-AR")
    expect(page.get_by_text(talk.session_id)).to_be_visible()
    picker = page.get_by_label("Captions in")
    expect(picker).to_have_value("Spanish (Mexico)")
    picker.fill("deut")
    page.get_by_role("option", name="German").click()
    submit(page).click()
    expect(button(page, "Language: German")).to_be_visible()
    another = browse(talk.link(), context=page.context)
    expect(another.get_by_label("Captions in")).to_have_value("German")


def test_a_session_that_there_is_not_is_said_at_its_field(browse: Browse) -> None:
    page = browse("?session=calm-owl-000-000&language=es")
    expect(page.get_by_text("There is no session with this id.")).to_be_visible()
    field = page.get_by_label("Session")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("calm-owl-000-000")
    assert_accessible(page)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"code": "SESSION_FULL"}, "This session is full."),
        ({"code": "SESSION_ENDED"}, "This session has ended."),
        ({"code": "SERVICE_UNAVAILABLE"}, "The service is not available right now."),
        (
            {"code": "RATE_LIMITED", "details": {"retryAfterSeconds": 42}},
            "There were too many tries. Try again in 42 seconds.",
        ),
    ],
    ids=lambda each: each.get("code", "") if isinstance(each, dict) else "",
)
def test_a_refusal_is_said_in_words(
    browse: Browse, talk: Talk, answer: dict[str, Any], words: str
) -> None:
    page = browse("speak.html")
    wire = Wire(page)
    wire.answers["joinSession"] = {"type": "error", "message": "inner words", **answer}
    page.goto(talk.link("es"))
    expect(page.get_by_role("alert").get_by_text(words)).to_be_visible()
    expect(page.get_by_text("inner words")).to_be_hidden()
    wire.answers.clear()
    submit(page).click()
    expect(log(page)).to_be_attached()


def test_a_service_that_cannot_be_reached_and_a_device_that_is_offline_are_told_apart(
    browse: Browse, site: Site, talk: Talk
) -> None:
    browse.allow(CUT_SOCKET)
    page = browse(talk.link())
    with site.network.down():
        submit(page).click()
        expect(page.get_by_text("The service cannot be reached.")).to_be_visible()
        page.context.set_offline(True)
        submit(page).click()
        expect(page.get_by_text("This device is offline.")).to_be_visible()
        page.context.set_offline(False)
    submit(page).click()
    expect(log(page)).to_be_attached()


def test_a_page_without_its_settings_says_so(browse: Browse) -> None:
    browse.allow("404")
    page = browse("speak.html")
    page.route("**/config.json", lambda route: route.fulfill(status=404))
    page.goto("")
    expect(page.get_by_role("alert")).to_contain_text("could not read its own settings")
    assert_accessible(page)
    page.unroute("**/config.json")
    button(page, "Try again").click()
    expect(submit(page)).to_be_visible()


# Following the speech


def test_captions_follow_the_speech_until_the_reader_scrolls_up(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk)
    say_much(wire, talk)
    expect(captions(page)).to_have_count(20)
    expect(captions(page).last).to_be_in_viewport()
    scroller(page).hover()
    page.mouse.wheel(0, -600)
    latest = button(page, "Latest")
    expect(latest).to_be_visible()
    before = scroller(page).evaluate("e => e.scrollTop")
    say_much(wire, talk, 3, first=21)
    expect(latest).to_contain_text("3 new captions")
    assert scroller(page).evaluate("e => e.scrollTop") == before
    assert_accessible(page)
    latest.click()
    expect(latest).to_be_hidden()
    expect(captions(page).last).to_be_in_viewport()
    say_much(wire, talk, 1, first=24)
    expect(captions(page).last).to_be_in_viewport()


def test_a_reader_who_scrolls_back_down_follows_again(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk)
    say_much(wire, talk)
    expect(captions(page).last).to_be_in_viewport()
    scroller(page).focus()
    page.keyboard.press("PageUp")
    expect(button(page, "Latest")).to_be_visible()
    page.keyboard.press("End")
    expect(button(page, "Latest")).to_be_hidden()


def test_larger_text_and_a_smaller_window_keep_the_last_caption_in_sight(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    say_much(wire, talk)
    expect(captions(page).last).to_be_in_viewport()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(captions(page).last).to_be_in_viewport()
    button(page, "Text and colours").click()
    button(page, "Larger text").click()
    expect(page.get_by_text("125 %")).to_be_visible()
    page.keyboard.press("Escape")
    expect(captions(page).last).to_be_in_viewport()
    expect(button(page, "Latest")).to_be_hidden()
    page.reload()
    button(page, "Text and colours").click()
    expect(page.get_by_text("125 %")).to_be_visible()


def test_captions_can_be_selected_and_copied(browse: Browse, talk: Talk) -> None:
    page, wire = wired(browse, talk)
    say_much(wire, talk, 120)
    expect(captions(page)).to_have_count(120)
    scroller(page).focus()
    page.keyboard.press("Control+a")
    copied = page.evaluate("getSelection().toString()")
    assert [copied.count(f"{number}: Una") for number in (77, 119)] == [1, 1]


# Controls


def test_a_reader_changes_the_language_by_keyboard(browse: Browse, talk: Talk) -> None:
    page = browse(talk.link("en"))
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    before = captions(page).count()
    button(page, "Language: English").press("Enter")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("germ")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    changed = button(page, "Language: German")
    expect(changed).to_be_visible()
    expect(changed).to_be_focused()
    talk.say()
    expect(log(page).get_by_text("From here on in German")).to_be_visible()
    expect(captions(page)).to_have_count(before + 2)
    assert "language=de" in page.url
    page.reload()
    expect(button(page, "Language: German")).to_be_visible()


def test_a_language_that_is_refused_is_said_and_the_one_before_stays(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    wire.answers["changeLanguage"] = {
        "type": "error",
        "code": "RATE_LIMITED",
        "message": "",
        "details": {"retryAfterSeconds": 7},
    }
    button(page, "Language: Spanish").click()
    page.get_by_role("combobox").fill("welsh")
    page.get_by_role("option", name="Welsh").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in 7 seconds.")
    expect(button(page, "Language: Spanish")).to_be_visible()
    button(page, "Close").click()
    expect(page.get_by_role("alert")).to_be_empty()


def test_nothing_new_is_shown_while_the_reader_has_paused_and_all_of_it_afterwards(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    say_much(wire, talk, 5)
    expect(captions(page)).to_have_count(5)
    button(page, "Pause").click()
    expect(page.get_by_text("You have paused.")).to_be_visible()
    say_much(wire, talk, 15, first=6)
    expect(page.get_by_text("15 new captions waiting.")).to_be_visible()
    expect(captions(page)).to_have_count(5)
    assert_accessible(page)
    button(page, "Resume").click()
    expect(captions(page).filter(has_text="Una frase")).to_have_count(20)
    # The reader goes on where they were.
    expect(log(page).get_by_text("You paused here")).to_be_in_viewport()
    expect(captions(page).filter(has_text="6: Una").first).to_be_in_viewport()
    expect(captions(page).last).not_to_be_in_viewport()
    expect(button(page, "Latest")).to_be_visible()
    actions = [each["action"] for each in wire.sent]
    assert [each for each in actions if "Playback" in each] == ["pausePlayback", "resumePlayback"]


def test_what_the_speaker_does_is_said(browse: Browse, talk: Talk) -> None:
    page = browse(talk.link("es"))
    expect(log(page)).to_be_attached()
    paused = page.get_by_text("The speaker has paused.")
    muted = page.get_by_text("The speaker’s microphone is muted.")
    talk.speaker.pause()
    expect(paused).to_be_visible()
    talk.speaker.resume()
    expect(paused).to_be_hidden()
    talk.speaker.set_volume(0)
    expect(muted).to_be_visible()
    talk.speaker.set_volume(1)
    expect(muted).to_be_hidden()


def test_the_end_is_said_with_its_reason_and_the_captions_stay(browse: Browse, talk: Talk) -> None:
    page = browse(talk.link("en"))
    talk.say()
    expect(captions(page)).to_contain_text(talk.texts)
    talk.speaker.end_session()
    expect(page.get_by_role("alert")).to_contain_text("The session has ended.")
    expect(page.get_by_role("alert")).to_contain_text("The speaker ended it.")
    expect(captions(page)).to_contain_text(talk.texts)
    expect(page).to_have_title(re.compile("^Ended"))
    expect(button(page, "Pause")).to_be_hidden()
    assert_accessible(page)
    button(page, "Join another session").click()
    expect(page.get_by_label("Session")).to_have_value("")
    expect(page).to_have_title("Live captions")


def test_an_end_that_came_while_the_network_was_down_is_said(
    browse: Browse, site: Site, talk: Talk
) -> None:
    browse.allow(CUT_SOCKET)
    page = browse(talk.link("es"))
    expect(log(page)).to_be_attached()
    with site.network.down():
        expect(page.get_by_text("The connection was lost.")).to_be_visible()
        talk.speaker.end_session()
        talk.speaker.expect("sessionEnded")
    button(page, "Try now").click()
    expect(page.get_by_role("alert")).to_contain_text("The session has ended.")


def test_a_reader_who_is_lost_joins_again_and_keeps_captions_and_language(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    button(page, "Language: Spanish").click()
    page.get_by_role("combobox").fill("german")
    page.get_by_role("option", name="German").click()
    expect(button(page, "Language: German")).to_be_visible()
    for sequence in (1, 2):
        wire.send_caption(talk.session_id, sequence, f"Satz {sequence}", language="de")
    expect(captions(page)).to_have_text(["Satz 1", "Satz 2"])
    refusal = {"type": "error", "message": ""}
    wire.answers["refreshConnection"] = {**refusal, "code": "UNAUTHORIZED_ACTION"}
    wire.answers["joinSession"] = {**refusal, "code": "SESSION_FULL"}
    wire.close()
    expect(page.get_by_role("alert")).to_contain_text("You are no longer in the session.")
    button(page, "Join again").click()
    expect(page.get_by_role("alert")).to_contain_text("This session is full.")
    expect(captions(page)).to_have_text(["Satz 1", "Satz 2"])
    assert_accessible(page)
    wire.answers.clear()
    button(page, "Join again").click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()
    expect(button(page, "Language: German")).to_be_visible()
    for sequence in (2, 3):
        wire.send_caption(talk.session_id, sequence, f"Satz {sequence}", language="de")
    expect(captions(page)).to_have_text(["Satz 1", "Satz 2", "Satz 3"])
    page.reload()
    expect(button(page, "Language: German")).to_be_visible()


def test_a_reader_who_leaves_is_counted_no_more_and_a_reload_does_not_bring_them_back(
    browse: Browse, site: Site, talk: Talk
) -> None:
    page = browse(talk.link("es"))
    expect(log(page)).to_be_attached()
    assert talk.speaker.ask_status()["listenerCount"] == 2
    button(page, "Leave").click()
    expect(page.get_by_label("Session")).to_have_value("")
    wait_until(lambda: talk.speaker.ask_status()["listenerCount"] == 1)
    assert page.url == f"{site.url}/"
    page.reload()
    expect(page.get_by_label("Session")).to_have_value("")


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_transcript_that_is_kept_is_said(browse: Browse, site: Site, is_kept: bool) -> None:
    talk = Talk(site, keepTranscript=is_kept)
    page = browse(talk.link("es"))
    expect(log(page)).to_be_attached()
    expect(page.get_by_text("A transcript is kept.")).to_be_visible(visible=is_kept)


def test_a_page_without_https_says_that_the_screen_may_turn_itself_off(
    browse: Browse, talk: Talk
) -> None:
    page = browse("speak.html")
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.goto(talk.link("es"))
    words = page.get_by_text("without https this page cannot keep it on")
    expect(words).to_be_visible()
    button(page, "Close").click()
    expect(words).to_be_hidden()
    page.reload()
    expect(log(page)).to_be_attached()
    expect(words).to_be_hidden()


def test_the_screen_is_kept_on_for_as_long_as_the_session_lasts(browse: Browse, talk: Talk) -> None:
    page = browse("speak.html")
    page.add_init_script(
        """window.locks = [];
        navigator.wakeLock.request = async () => {
            const lock = { released: false, release: async () => { lock.released = true; } };
            window.locks.push(lock);
            return lock;
        };"""
    )
    page.goto(talk.link("es"))
    wait_for(page, "locks.length === 1 && !locks[0].released")
    talk.speaker.end_session()
    wait_for(page, "locks.length === 1 && locks[0].released")


def test_the_readers_colours_are_kept(browse: Browse) -> None:
    page = browse("?session=calm-owl-000-000&language=es", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.evaluate("localStorage.setItem('live-sessions.theme', 'dark')")
    page.reload()
    wait_for(page, f"{ground} !== '{light}'")
    dark = page.evaluate(ground)
    page.evaluate("localStorage.setItem('live-sessions.theme', 'contrast')")
    page.reload()
    wait_for(page, f"{ground} === 'rgb(0, 0, 0)'")
    assert len({light, dark, "rgb(0, 0, 0)"}) == 3


def test_a_device_that_asks_for_more_contrast_gets_it(browse: Browse) -> None:
    page = browse(contrast="more", color_scheme="dark")
    expect(submit(page)).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"


# By keyboard, on small screens, with assistive technology


def test_everything_can_be_done_by_keyboard(browse: Browse, talk: Talk) -> None:
    page = browse(locale="es-ES")
    expect(submit(page)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type(talk.session_id)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Spanish español", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(log(page)).to_be_attached()
    reached: list[str] = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
            )
        )
    assert reached == [
        "Language: Spanish. Change it",
        "Text and colours",
        "Leave",
        "Captions",
        "Pause",
    ]
    page.keyboard.press("Space")
    expect(button(page, "Resume")).to_be_focused()


STATES = [
    *("join", "picker", "refused", "captions", "scrolled up", "paused"),
    *("reconnecting", "language", "appearance", "ended"),
]


def show(page: Page, wire: Wire, talk: Talk, state: str) -> None:
    wire.answers.clear()
    if state in ("join", "picker"):
        page.goto("")
        expect(submit(page)).to_be_visible()
        if state == "picker":
            page.get_by_role("combobox").click()
            expect(page.get_by_role("listbox")).to_be_visible()
        return
    if state == "refused":
        wire.answers["joinSession"] = {"type": "error", "code": "SESSION_FULL", "message": ""}
        page.goto(talk.link("es"))
        expect(page.get_by_role("alert")).to_contain_text("This session is full.")
        return
    page.goto(talk.link("es"))
    expect(log(page)).to_be_attached()
    say_much(wire, talk, 12)
    wire.send_caption(talk.session_id, 13, "Not translated.", translated=False)
    wire.send_caption(talk.session_id, 14, "Ahora", is_partial=True)
    expect(page.get_by_text("Ahora")).to_be_visible()
    if state == "scrolled up":
        scroller(page).evaluate("e => { e.scrollTop = 0 }")
        expect(button(page, "Latest")).to_be_visible()
    elif state == "paused":
        button(page, "Pause").click()
        expect(page.get_by_text("You have paused.")).to_be_visible()
    elif state == "reconnecting":
        refusal = {"type": "error", "code": "SERVICE_UNAVAILABLE", "message": ""}
        wire.answers["refreshConnection"] = refusal
        wire.close()
        expect(page.get_by_text("The connection was lost.")).to_be_visible()
    elif state == "language":
        button(page, "Language").click()
        page.keyboard.press("ArrowDown")
    elif state == "appearance":
        button(page, "Text and colours").click()
    elif state == "ended":
        wire.send("sessionEnded", sessionId=talk.session_id, reason="speakerLost")
        expect(page.get_by_role("alert")).to_contain_text("did not come back")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_axe_finds_nothing_in_any_state(browse: Browse, talk: Talk, theme: str) -> None:
    page = browse("speak.html", reduced_motion="reduce")
    wire = Wire(page)
    page.evaluate("theme => localStorage.setItem('live-sessions.theme', theme)", theme)
    for state in STATES:
        show(page, wire, talk, state)
        assert_accessible(page)


def test_nothing_is_wider_than_a_small_phone(browse: Browse, talk: Talk) -> None:
    page = browse("speak.html", viewport=PHONE)
    wire = Wire(page)
    page.evaluate("localStorage.setItem('live-sessions.captionSize', '300')")
    for state in STATES:
        show(page, wire, talk, state)
        widest = page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("*")]
                .filter((each) => each.scrollWidth > each.clientWidth)
                .filter((each) => !["hidden", "visible", "clip"]
                    .includes(getComputedStyle(each).overflowX)
                    || each === document.documentElement)
                .map((each) => each.outerHTML.slice(0, 80))"""
        )
        assert not widest, f"{state}: {widest}"


# Over a picture


def test_an_overlay_is_captions_alone_on_a_transparent_ground(browse: Browse, talk: Talk) -> None:
    page = browse("speak.html", viewport=(640, 360))
    wire = Wire(page)
    page.goto(f"{talk.link('es')}&overlay&lines=2&size=20")
    expect_overlay(page)
    for sequence in range(1, 5):
        wire.send_caption(talk.session_id, sequence, f"número {sequence}")
    expect(captions(page)).to_have_text(["número 3", "número 4"])
    expect(captions(page).last).to_have_css("font-size", "20px")
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert_accessible(page)
    assert first_pixel(page) == [0, 0, 0, 0]


def first_pixel(page: Page) -> list[int]:
    """Red, green, blue and opacity, as OBS has them."""
    picture = base64.b64encode(page.screenshot(omit_background=True)).decode()
    blank = page.context.new_page()
    pixel = blank.evaluate(
        """async (picture) => {
            const bytes = Uint8Array.from(atob(picture), (each) => each.charCodeAt(0));
            const bitmap = await createImageBitmap(new Blob([bytes]));
            const canvas = new OffscreenCanvas(1, 1).getContext("2d");
            canvas.drawImage(bitmap, 0, 0);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        }""",
        picture,
    )
    blank.close()
    return pixel


def test_an_overlay_shows_no_more_lines_than_asked(browse: Browse, talk: Talk) -> None:
    page = browse("speak.html", viewport=(320, 360))
    wire = Wire(page)
    page.goto(f"{talk.link('es')}&overlay&lines=2&size=20")
    expect_overlay(page)
    wire.send_caption(talk.session_id, 1, LONG * 3)
    expect(captions(page)).to_have_count(1)
    box = log(page).bounding_box()
    assert box is not None
    assert box["height"] == pytest.approx(2 * 20 * 1.4)
    # It is the end of the sentence that is seen.
    last = captions(page).bounding_box()
    assert last is not None
    assert last["y"] + last["height"] == pytest.approx(box["y"] + box["height"], abs=1)


def test_an_overlay_says_discreetly_what_is_wrong_and_comes_back_by_itself(
    browse: Browse, site: Site, talk: Talk
) -> None:
    browse.allow(CUT_SOCKET)
    page = browse(f"{talk.link('en')}&overlay")
    expect_overlay(page)
    with site.network.down():
        expect(page.get_by_role("status")).to_have_text("Reconnecting…")
        talk.say()
    expect(captions(page)).to_contain_text(talk.texts[-2:])
    expect_overlay(page)
    talk.speaker.end_session()
    expect(page.get_by_role("status")).to_have_text("The session has ended.")


def test_an_overlay_that_cannot_join_tries_again(browse: Browse, talk: Talk) -> None:
    page = browse("speak.html")
    page.clock.install()
    wire = Wire(page)
    wire.answers["joinSession"] = {"type": "error", "code": "SESSION_FULL", "message": ""}
    page.goto(f"{talk.link('es')}&overlay")
    expect(page.get_by_role("status")).to_contain_text("This session is full.")
    wire.answers.clear()
    page.clock.fast_forward(6_000)
    expect_overlay(page)


# A long session


@pytest.mark.timeout(300)
def test_the_5000th_caption_is_as_little_work_as_the_50th_and_the_first_can_still_be_read(
    browse: Browse, talk: Talk
) -> None:
    page, wire = wired(browse, talk)
    page.evaluate(
        """() => {
            window.changed = new Set();
            new MutationObserver((records) => {
                for (const { target } of records) window.changed.add(target);
            }).observe(document.querySelector("[role=log]"), { childList: true, subtree: true });
        }"""
    )
    say_much(wire, talk, 4_999)
    expect(captions(page)).to_have_count(4_999, timeout=200_000)
    expect(captions(page).last).to_be_in_viewport()
    page.evaluate("changed.clear()")
    say_much(wire, talk, 1, first=5_000)
    expect(captions(page)).to_have_count(5_000)
    expect(captions(page).last).to_be_in_viewport()
    assert page.evaluate("changed.size") == 1, "only the last block changes"
    page.keyboard.press("Control+a")
    assert "1: Una" in page.evaluate("getSelection().toString()")
    scroller(page).focus()
    page.keyboard.press("Home")
    expect(captions(page).first).to_be_in_viewport()
    expect(button(page, "Latest")).to_be_visible()
