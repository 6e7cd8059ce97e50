"""Transcripts become captions: who reads what, and what it costs when something fails."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote

import msgspec
import pytest
from botocore.exceptions import ClientError

from contract.languages import TARGET_LANGUAGES
from live_sessions.aws.http import AwsHttp
from live_sessions.aws.runtime import AwsEnvironment, Clock
from live_sessions.captions.captioning import (
    LIMITS,
    CaptionLimits,
    TranslationKey,
)
from live_sessions.captions.pages import POST_TIMEOUT_SECONDS
from live_sessions.listeners.fan_out import CONCURRENT_REMOVALS, Departures
from live_sessions.sessions.rows import Session
from live_sessions.wire.sockets import CONCURRENT_POSTS, Sockets
from tests.handlers.captions.audience import (
    SPOKEN_AT,
    TEXT,
    UNLIMITED,
    Audience,
    AudienceClients,
    gathered,
)
from tests.handlers.conftest import OpenSockets, Stage, StageClients
from tests.handlers.loopback import Loopback, Received, serving, status
from tests.handlers.translate_service import INNER_DETAIL, TranslateService, refused, translated
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS, wait_until


@pytest.fixture
def audience(stage: Stage) -> Iterator[Audience]:
    with gathered(stage) as audience:
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


def test_a_missing_session_is_not_an_error(audience: Audience, sockets: OpenSockets) -> None:
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


def untranslated(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Of the one caption: languages that were sent the original, and why."""
    (record,) = [record for record in caplog.records if record.message == "captioned"]
    return vars(record)["untranslated"]


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
    assert untranslated(caplog) == ["fr: AccessDeniedException"]


@pytest.mark.parametrize("text", ["", "   "])
def test_a_caption_is_never_blank(audience: Audience, text: str) -> None:
    (listener,) = audience.join("es")
    audience.service.answers["es"] = lambda _: translated(text)
    audience.say()
    assert audience.texts(listener) == [TEXT]


def test_a_language_that_hangs_costs_the_others_no_time(audience: Audience) -> None:
    """French is let go by the Spanish caption: did that wait for it, neither would come."""
    (spanish,), (french,) = audience.join("es"), audience.join("fr")
    audience.service.hanging.add("fr")
    answer = audience.stage.sockets.answer

    def let_french_go(method: str, connection_id: str, data: bytes) -> int:
        if connection_id == spanish:
            audience.service.let_go.set()
        return answer(method, connection_id, data)

    audience.stage.sockets.answer = let_french_go  # type: ignore[method-assign]
    audience.say()
    assert audience.texts(spanish) == [f"[es] {TEXT}"]
    assert audience.texts(french) == [f"[fr] {TEXT}"]


@pytest.mark.parametrize(
    ("limits", "is_partial"),
    [
        (replace(UNLIMITED, translation=0.05), False),
        (replace(UNLIMITED, partial_translation=0.05), True),
    ],
    ids=["final", "partial"],
)
def test_a_language_that_is_not_translated_in_time_reads_the_original(
    audience: Audience,
    caplog: pytest.LogCaptureFixture,
    limits: CaptionLimits,
    is_partial: bool,
) -> None:
    (listener,) = audience.join("fr")
    audience.service.hanging.add("fr")
    audience.captioning = replace(audience.captioning, limits=limits)
    audience.say(isPartial=is_partial)
    assert audience.texts(listener) == [TEXT]
    assert untranslated(caplog) == ["fr: too late"]


def test_a_listener_of_an_unsupported_language_receives_the_original(audience: Audience) -> None:
    stranger, well = audience.join("es", 2)
    audience.stage.change("connections", {"connectionId": stranger}, targetLanguage="xx")
    audience.say()
    assert audience.texts(stranger) == [TEXT]
    assert audience.texts(well) == [f"[es] {TEXT}"]


def test_a_translation_that_came_too_late_is_known_the_next_time(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.service.hanging.add("es")
    patient = audience.captioning
    audience.captioning = replace(patient, clock=too_late_once_asked(audience.service))
    audience.say()
    audience.service.let_go.set()
    cache = patient.translator.cache
    wait_until(lambda: cache.get(TranslationKey("en", "es", TEXT)))
    audience.captioning = patient
    audience.say()
    assert audience.texts(listener) == [TEXT, f"[es] {TEXT}"]
    assert audience.service.asked("es") == [TEXT]


def too_late_once_asked(service: TranslateService) -> Clock:
    """A clock of which the first look begins a limit; at the next ones it is over, but not before
    the service was asked.
    """
    looks = itertools.count()

    def monotonic() -> float:
        if next(looks) == 0:
            return time.monotonic()
        wait_until(lambda: service.requests)
        return time.monotonic() + OUT_OF_REACH_SECONDS

    return Clock(monotonic=monotonic)


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
    (status_frame,) = sockets.frames_of(session["speakerConnectionId"], "sessionStatus")
    assert (status_frame["listenerCount"], status_frame["updateReason"]) == (
        6,
        "listenerCountChange",
    )
    assert all(len(audience.texts(each)) == 1 for each in [*spanish[2:], *french[2:]])
    metrics = printed(capsys)
    assert '"ConnectionsGone":[4.0]' in metrics
    assert '"CaptionsPosted":[6.0]' in metrics


class Throttled:
    """DynamoDB that refuses deletions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def delete_item(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DeleteItem")


class ThrottledClients(AudienceClients):
    def dynamodb(self, **options: Any) -> Any:
        return Throttled(super().dynamodb(**options))


def test_a_removal_that_fails_is_counted_and_made_up_for_by_the_next_caption(
    audience: Audience, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, well = audience.join("es", 2)
    sockets.open.discard(gone)
    works = audience.captioning
    audience.stage.clients = ThrottledClients(audience.stage, audience.service)
    audience.captioning = cast(Any, audience.stage.build("translation"))
    printed(capsys)
    audience.say()
    assert '"RemovalsFailed":[1.0]' in printed(capsys)
    assert audience.texts(well) == [f"[es] {TEXT}"]
    audience.captioning = works
    audience.say()
    assert audience.stage.session(audience.session_id)["listenersByLanguage"] == {"es": 1}


def test_removals_are_begun_within_half_a_second_and_the_next_caption_finds_the_rest(
    audience: Audience, sockets: OpenSockets, capsys: pytest.CaptureFixture[str]
) -> None:
    sockets.open.difference_update(audience.join("es", 40))
    clock = SteppedClock()
    works = audience.captioning
    left: list[str] = []

    class Slow:
        """Each removal takes a third of a second."""

        def leave(self, connection_id: str, session_id: str) -> Session | None:
            left.append(connection_id)
            session = works.posts.departures.membership.leave(connection_id, session_id)
            clock.step(0.3)
            return session

    pushes = works.posts.departures.pushes
    departures = Departures(cast(Any, Slow()), pushes, clock.handlers)
    audience.captioning = replace(
        works,
        posts=replace(works.posts, departures=departures, clock=clock.handlers),
        clock=clock.handlers,
        limits=replace(UNLIMITED, removing=LIMITS.removing),
    )
    printed(capsys)
    audience.say()
    assert 2 <= len(left) <= 1 + CONCURRENT_REMOVALS, "begun at 0 and 0.3 seconds, not at 0.6"
    assert f'"RemovalsFailed":[{40 - len(left)}.0]' in printed(capsys)
    audience.captioning = works
    audience.say()
    assert audience.stage.session(audience.session_id)["listenersByLanguage"] == {"es": 0}


class SteppedClock:
    """Goes on by steps alone, whatever time has passed."""

    def __init__(self) -> None:
        self._now_seconds = time.monotonic()
        self._stepping = threading.Lock()
        self.handlers = Clock(monotonic=lambda: self._now_seconds)

    def step(self, seconds: float) -> None:
        with self._stepping:
            self._now_seconds += seconds


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


def with_real_sockets(
    audience: Audience, server: Loopback, *, timeout_seconds: float = OUT_OF_REACH_SECONDS
) -> None:
    aws = AwsEnvironment("eu-central-1", "key", "secret", "token")
    api = AwsHttp(f"{server.url}/live", "execute-api", aws, timeout_seconds=timeout_seconds)
    sockets = Sockets(api, audience.stage.clock)
    posts = replace(audience.captioning.posts, sockets=sockets)
    audience.captioning = replace(audience.captioning, posts=posts)


@pytest.mark.parametrize(("listeners", "hung"), [(10, 1), (150, 20)])
def test_listeners_that_hang_do_not_delay_the_others(
    audience: Audience,
    capsys: pytest.CaptureFixture[str],
    listeners: int,
    hung: int,
) -> None:
    """Those who hang answer when all others have been posted to."""
    members = audience.join("es", listeners)
    hanging, waiting = set(members[:hung]), set(members[hung:])
    others_are_served = threading.Event()

    def answer(request: Received) -> bytes:
        connection_id = unquote(request.path.removeprefix("/live/@connections/"))
        waiting.discard(connection_id)
        if not waiting:
            others_are_served.set()
        if connection_id in hanging and not others_are_served.wait(PATIENCE_SECONDS):
            others_are_served.set()
            return status(404)
        return status(200)

    with serving(answer) as server:
        with_real_sockets(audience, server)
        printed(capsys)
        audience.say()
    assert f'"CaptionsPosted":[{listeners}.0]' in printed(capsys)


def test_however_many_hang_each_costs_its_worker_a_post_and_the_rest_is_not_tried(
    audience: Audience,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    audience.join("es", 300)
    over = threading.Event()

    def answer(_: Received) -> bytes:
        over.wait(PATIENCE_SECONDS)
        return status(200)

    audience.captioning = replace(audience.captioning, limits=replace(UNLIMITED, posting=0.1))
    with serving(answer) as server:
        with_real_sockets(audience, server, timeout_seconds=0.2)
        printed(capsys)
        audience.say()
        over.set()
    (record,) = [vars(each) for each in caplog.records if each.message == "captioned"]
    tried = sum(record["failed"].values())
    assert tried <= CONCURRENT_POSTS
    assert (record["posted"], record["untried"]) == (0, 300 - tried)
    assert f'"ListenersUntried":[{300 - tried}.0]' in printed(capsys)


def test_the_time_limits_are_those_that_are_promised() -> None:
    assert LIMITS.posting + POST_TIMEOUT_SECONDS <= 2
    assert LIMITS.translation <= 2.5
    assert LIMITS.partial_translation <= 1
    assert LIMITS.removing <= 0.5


def test_the_posts_of_captions_have_their_own_time_limit(stage: Stage) -> None:
    asked: list[float] = []

    class Watched(StageClients):
        def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
            asked.append(timeout_seconds)
            return super().http(endpoint, service, timeout_seconds=timeout_seconds)

    stage.clients = Watched(stage)
    stage.build("translation")
    assert asked == [POST_TIMEOUT_SECONDS]


# ---- what is never logged


def test_no_log_line_holds_what_was_said_nor_a_whole_connection_id(
    audience: Audience,
    sockets: OpenSockets,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "a sentence that must not be logged"
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
    for visible in (lines.out, lines.err, records, str(problem.value)):
        assert secret not in visible
        assert INNER_DETAIL not in visible
        assert not any(each in visible for each in (well, gone, failing))
    assert audience.session_id in records
