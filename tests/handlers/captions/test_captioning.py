"""Transcripts become captions: who reads what, and what it costs when something fails."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from botocore.exceptions import ClientError

from live_sessions.aws.http import AwsHttp
from live_sessions.captions.captioning import (
    PARTIAL_TRANSLATION_LIMIT_SECONDS,
    POST_TIMEOUT_SECONDS,
    POSTING_SECONDS,
    REMOVING_SECONDS,
    TRANSLATION_LIMIT_SECONDS,
)
from live_sessions.environment import AwsEnvironment
from live_sessions.languages import TARGET_LANGUAGES
from live_sessions.membership import Membership
from live_sessions.posts.sockets import Sockets
from tests.handlers.captions.audience import SPOKEN_AT, TEXT, Audience, gathered
from tests.handlers.conftest import OpenSockets, Stage
from tests.handlers.loopback import Loopback, Received, serving, status
from tests.handlers.translate_service import INNER_DETAIL, refused, translated

SLACK_SECONDS = 1.4
"""What a busy machine may add."""


@pytest.fixture
def audience(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audience]:
    with gathered(stage, monkeypatch) as audience:
        yield audience


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.replace(" ", "")


# ---- who reads what


def test_each_listener_reads_its_own_language_and_the_speaker_nothing(
    audience: Audience, sockets: OpenSockets
) -> None:
    spanish, french = audience.join("es", 2), audience.join("fr", 1)
    sockets.posts.clear()
    audience.say()
    assert [audience.texts(each) for each in spanish] == [[f"[es] {TEXT}"]] * 2
    assert [audience.texts(each) for each in french] == [[f"[fr] {TEXT}"]]
    assert len(sockets.posts) == 3


def test_a_caption_says_all_that_the_protocol_promises(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.say()
    (caption,) = audience.captions(listener)
    assert caption.pop("timestamp") >= audience.stage.connected_at
    assert caption == {
        "type": "caption",
        "sessionId": audience.session_id,
        "sequence": 1,
        "sourceLanguage": "en",
        "targetLanguage": "es",
        "text": f"[es] {TEXT}",
        "originalText": TEXT,
        "isPartial": False,
        "spokenAt": SPOKEN_AT,
        "translated": True,
    }


def test_listeners_of_the_source_language_read_the_original_and_it_costs_no_call(
    audience: Audience,
) -> None:
    (listener,) = audience.join("en")
    audience.say()
    (caption,) = audience.captions(listener)
    assert (caption["text"], caption["translated"]) == (TEXT, False)
    assert audience.service.requests == []


def test_a_language_is_translated_once_whatever_the_number_of_its_listeners(
    audience: Audience,
) -> None:
    listeners = audience.join("es", 60)
    audience.say()
    assert all(audience.texts(each) == [f"[es] {TEXT}"] for each in listeners)
    assert audience.service.asked("es") == [TEXT]
    audience.say()
    assert audience.service.asked("es") == [TEXT], "what was said before is known"


def test_a_listener_that_has_changed_languages_reads_the_new_one(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.say("One.")
    audience.stage.change("connections", {"connectionId": listener}, targetLanguage="fr")
    audience.say("Two.")
    assert audience.texts(listener) == ["[es] One.", "[fr] Two."]


def test_captions_of_one_session_reach_no_other(audience: Audience) -> None:
    audience.join("es")
    other = audience.stage.create_session(audience.stage.connect_speaker("user-2"))
    stranger = audience.stage.join(other, "es")
    audience.say()
    assert audience.captions(stranger) == []


def test_with_seventy_five_languages_every_one_gets_its_own(audience: Audience) -> None:
    listeners = {language: audience.join(language)[0] for language in sorted(TARGET_LANGUAGES)}
    audience.say()
    for language, listener in listeners.items():
        expected = TEXT if language == "en" else f"[{language}] {TEXT}"
        assert audience.texts(listener) == [expected]


def test_partial_captions_say_so_and_keep_their_sequence(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.say("Good", isPartial=True, sequence=7)
    audience.say("Good evening.", sequence=7)
    captions = audience.captions(listener)
    assert [(each["sequence"], each["isPartial"]) for each in captions] == [(7, True), (7, False)]


# ---- when there is nothing to post


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_silence_yields_no_caption_and_no_call(
    audience: Audience, sockets: OpenSockets, text: str
) -> None:
    (listener,) = audience.join("es")
    audience.say(text)
    assert audience.captions(listener) == []
    assert audience.service.requests == []


def test_an_ended_session_has_no_captions(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.stage.change("sessions", {"sessionId": audience.session_id}, endedAt=1)
    audience.say()
    assert audience.captions(listener) == []
    assert audience.service.requests == []


def test_an_expired_session_has_no_captions_whatever_ttl_has_done(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.stage.change("sessions", {"sessionId": audience.session_id}, expiresAt=1)
    audience.say()
    assert audience.captions(listener) == []


def test_a_session_that_is_gone_is_no_error(audience: Audience, sockets: OpenSockets) -> None:
    audience.join("es")
    audience.say(sessionId="quiet-lake-001")
    assert [frame for _, frame in sockets.posts if frame["type"] == "caption"] == []


def test_a_session_without_listeners_costs_no_translation(audience: Audience) -> None:
    audience.say()
    assert audience.service.requests == []


def test_a_row_that_has_outlived_its_socket_is_not_posted_to(
    audience: Audience, sockets: OpenSockets
) -> None:
    stale, fresh = audience.join("es", 2)
    audience.stage.change("connections", {"connectionId": stale}, ttl=1)
    audience.say()
    assert sockets.requests[stale] == 0
    assert audience.texts(fresh) == [f"[es] {TEXT}"]


def test_a_payload_that_breaks_a_rule_is_an_error_and_nothing_is_posted(
    audience: Audience,
) -> None:
    (listener,) = audience.join("es")
    with pytest.raises(msgspec.ValidationError, match="sequence"):
        audience.say(sequence="first")
    assert audience.captions(listener) == []


# ---- when a translation fails


def test_a_language_that_fails_reads_the_original_and_no_other_does(
    audience: Audience, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (spanish,), (french,) = audience.join("es"), audience.join("fr")
    audience.service.answers["fr"] = lambda _: refused("AccessDeniedException")
    printed(capsys)
    audience.say()
    (caption,) = audience.captions(french)
    assert (caption["text"], caption["translated"]) == (TEXT, False)
    assert (caption["targetLanguage"], caption["originalText"]) == ("fr", TEXT)
    assert audience.texts(spanish) == [f"[es] {TEXT}"]
    metrics = printed(capsys)
    assert '"TranslationsFailed":[1.0]' in metrics
    assert '"CaptionsPosted":[2.0]' in metrics
    (record,) = [record for record in caplog.records if record.message == "captioned"]
    assert vars(record)["untranslated"] == ["fr: AccessDeniedException"]


@pytest.mark.parametrize("text", ["", "   "])
def test_a_caption_is_never_blank(audience: Audience, text: str) -> None:
    (listener,) = audience.join("es")
    audience.service.answers["es"] = lambda _: translated(text)
    audience.say()
    assert audience.texts(listener) == [TEXT]


def test_a_language_that_hangs_costs_the_others_no_time_and_reads_the_original(
    audience: Audience,
) -> None:
    (spanish,), (french,) = audience.join("es"), audience.join("fr")
    audience.service.hanging.add("fr")
    came: dict[str, float] = {}
    answer = audience.stage.sockets.answer
    began = time.monotonic()

    def note(method: str, connection_id: str, data: bytes) -> int:
        came[connection_id] = time.monotonic() - began
        return answer(method, connection_id, data)

    audience.stage.sockets.answer = note  # type: ignore[method-assign]
    audience.say()
    assert came[spanish] < 1, "Spanish waits for nobody"
    assert TRANSLATION_LIMIT_SECONDS <= came[french] < TRANSLATION_LIMIT_SECONDS + SLACK_SECONDS
    assert audience.texts(french) == [TEXT]
    assert time.monotonic() - began < TRANSLATION_LIMIT_SECONDS + SLACK_SECONDS


def test_a_language_that_nobody_knows_any_more_reads_the_original(audience: Audience) -> None:
    stranger, well = audience.join("es", 2)
    audience.stage.change("connections", {"connectionId": stranger}, targetLanguage="xx")
    audience.say()
    assert audience.texts(stranger) == [TEXT]
    assert audience.texts(well) == [f"[es] {TEXT}"]


def test_a_translation_that_came_too_late_is_known_the_next_time(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.service.delay_seconds["es"] = 1.3
    began = time.monotonic()
    audience.say(isPartial=True)
    assert time.monotonic() - began < PARTIAL_TRANSLATION_LIMIT_SECONDS + SLACK_SECONDS
    time.sleep(1)
    audience.say()
    assert audience.texts(listener) == [TEXT, f"[es] {TEXT}"]
    assert audience.service.asked("es") == [TEXT]


def test_a_partial_translation_is_tried_once_and_a_final_one_twice(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.service.answers["es"] = lambda _: refused("InternalServerException", 500)
    audience.say("One", isPartial=True)
    audience.say("Two")
    assert audience.service.asked("es") == ["One", "Two", "Two"]
    assert audience.texts(listener) == ["One", "Two"]


# ---- when a listener fails


def test_gone_listeners_lose_row_and_place_and_the_speaker_hears_it_once(
    audience: Audience, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    spanish, french = audience.join("es", 5), audience.join("fr", 5)
    gone = [*spanish[:2], *french[:2]]
    sockets.open.difference_update(gone)
    printed(capsys)
    audience.say()
    session = audience.stage.session(audience.session_id)
    assert session["listenersByLanguage"] == {"es": 3, "fr": 3}
    assert not any(audience.stage.connection(each) for each in gone)
    (news,) = sockets.frames_of(session["speakerConnectionId"], "sessionStatus")
    assert (news["listenerCount"], news["updateReason"]) == (6, "listenerCountChange")
    assert all(len(audience.texts(each)) == 1 for each in [*spanish[2:], *french[2:]])
    metrics = printed(capsys)
    assert '"ConnectionsGone":[4.0]' in metrics
    assert '"CaptionsPosted":[6.0]' in metrics


def test_a_removal_that_fails_is_counted_and_made_up_for_by_the_next_caption(
    audience: Audience,
    sockets: OpenSockets,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone, well = audience.join("es", 2)
    sockets.open.discard(gone)

    def fail(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DeleteItem")

    with monkeypatch.context() as outage:
        outage.setattr(type(audience.entry.CONNECTIONS), "remove", fail)
        printed(capsys)
        audience.say()
    assert '"RemovalsFailed":[1.0]' in printed(capsys)
    assert audience.texts(well) == [f"[es] {TEXT}"]
    audience.say()
    assert audience.stage.session(audience.session_id)["listenersByLanguage"] == {"es": 1}


def test_removals_are_begun_within_half_a_second_and_the_next_caption_finds_the_rest(
    audience: Audience,
    sockets: OpenSockets,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = audience.join("es", 40)
    sockets.open.difference_update(gone)
    left: list[str] = []

    def leave_slowly(_: Any, connection_id: str, session_id: str) -> None:
        time.sleep(0.3)
        left.append(connection_id)

    monkeypatch.setattr(Membership, "leave", leave_slowly)
    printed(capsys)
    began = time.monotonic()
    audience.say()
    assert time.monotonic() - began < REMOVING_SECONDS + 0.3 + SLACK_SECONDS
    assert 8 <= len(left) <= 24
    assert f'"RemovalsFailed":[{40 - len(left)}.0]' in printed(capsys)


def test_a_failing_listener_costs_no_other_its_caption(
    audience: Audience, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    failing, full, well = audience.join("es", 3)
    sockets.failing.add(failing)
    sockets.throttled[full] = 1
    printed(capsys)
    audience.say()
    assert audience.texts(well) == audience.texts(full) == [f"[es] {TEXT}"]
    assert '"PostsFailed":[1.0]' in printed(capsys)


class LoopbackHttp(AwsHttp):
    """The real thing, which the stage replaces in AwsHttp."""

    request = AwsHttp.request


def with_real_sockets(
    audience: Audience, monkeypatch: pytest.MonkeyPatch, server: Loopback
) -> None:
    aws = AwsEnvironment("eu-central-1", "key", "secret", "token")
    api = LoopbackHttp(
        f"{server.url}/live", "execute-api", aws, timeout_seconds=POST_TIMEOUT_SECONDS
    )
    captioning = dataclasses.replace(audience.entry.CAPTIONING, sockets=Sockets(api))
    monkeypatch.setattr(audience.entry, "CAPTIONING", captioning)


@pytest.mark.parametrize(("listeners", "hung"), [(10, 1), (100, 5), (500, 20)])
def test_listeners_that_hang_hold_up_nobody_and_the_next_caption_by_a_post_only(
    audience: Audience, monkeypatch: pytest.MonkeyPatch, listeners: int, hung: int
) -> None:
    members = audience.join("es", listeners)
    hanging, over = set(members[:hung]), threading.Event()
    came: dict[str, float] = {}

    def answer(request: Received) -> bytes:
        connection_id = unquote(request.path.removeprefix("/live/@connections/"))
        if connection_id in hanging:
            over.wait(30)
        came[connection_id] = time.monotonic() - began
        return status(200)

    with serving(answer) as server:
        with_real_sockets(audience, monkeypatch, server)
        began = time.monotonic()
        audience.say()
        took = time.monotonic() - began
        well = [came[each] for each in members if each not in hanging]
        over.set()
    assert len(well) == listeners - hung
    assert POST_TIMEOUT_SECONDS <= took < POST_TIMEOUT_SECONDS + POSTING_SECONDS + SLACK_SECONDS


def test_however_many_hang_the_next_caption_comes_two_seconds_later(
    audience: Audience, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audience.join("es", 300)
    over = threading.Event()

    def answer(_: Received) -> bytes:
        over.wait(30)
        return status(200)

    with serving(answer) as server:
        with_real_sockets(audience, monkeypatch, server)
        printed(capsys)
        began = time.monotonic()
        audience.say()
        took = time.monotonic() - began
        over.set()
    assert took < POSTING_SECONDS + POST_TIMEOUT_SECONDS + SLACK_SECONDS
    assert '"ListenersUntried":' in printed(capsys)


def test_the_time_limits_are_those_that_are_promised() -> None:
    assert POSTING_SECONDS + POST_TIMEOUT_SECONDS <= 2
    assert TRANSLATION_LIMIT_SECONDS <= 2.5
    assert PARTIAL_TRANSLATION_LIMIT_SECONDS <= 1
    assert REMOVING_SECONDS <= 0.5


# ---- what is never told


def test_no_log_line_holds_what_was_said_nor_a_whole_connection_id(
    audience: Audience,
    sockets: OpenSockets,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "a word that nobody may find"
    well, gone, failing = audience.join("es", 3)
    audience.join("fr")
    sockets.open.discard(gone)
    sockets.failing.add(failing)
    audience.service.answers["fr"] = lambda _: refused("InvalidRequestException")
    audience.say(secret)
    audience.say(secret, isPartial=True)
    with pytest.raises(msgspec.ValidationError) as problem:
        audience.say(secret, sourceLanguage="nowhere")
    lines = capsys.readouterr()
    records = "".join(str(vars(record)) for record in caplog.records)
    assert audience.texts(well) == [f"[es] {secret}"] * 2
    for told in (lines.out, lines.err, records, str(problem.value)):
        assert secret not in told
        assert INNER_DETAIL not in told
        assert not any(each in told for each in (well, gone, failing))
    assert audience.session_id in records
