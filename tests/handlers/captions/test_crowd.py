"""Captions to an audience of more than one page: each page is an invocation that is waited for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest

from contract.languages import TARGET_LANGUAGES
from live_sessions.aws.runtime import Handler
from live_sessions.captions.captioning import DIRECT_LISTENERS, LIMITS
from live_sessions.captions.pages import (
    CONCURRENT_PAGES,
    CROWD_POSTS,
    PAGE_TIMEOUT_SECONDS,
    POST_TIMEOUT_SECONDS,
    CaptionPages,
    concurrent_posts,
)
from live_sessions.captions.transcripts import PIPELINE_TIMEOUT_SECONDS, TEXT_LIMIT_CHARACTERS
from live_sessions.sessions.follow_ups import AnyFanOutTask, CaptionPage
from tests.handlers.captions.audience import TEXT, UNLIMITED, Audience, gathered
from tests.handlers.conftest import LambdaContext, OpenSockets, Stage
from tests.handlers.intercepted_clients import THROTTLED, TIMED_OUT, UNREACHABLE
from tests.handlers.translate_service import refused

SYNCHRONOUS_PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

DIRECT = 3


class Invocations:
    """The fan-out function, which notes the events it gets."""

    def __init__(self, stage: Stage) -> None:
        self.events: list[dict[str, Any]] = []
        self.serves: Handler = stage.entries["fan_out"]
        stage.entries["fan_out"] = self

    def __call__(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        return self.serves(event, context)


@pytest.fixture
def audience(stage: Stage) -> Iterator[Audience]:
    """One with pages of three listeners."""
    with gathered(stage) as audience:
        audience.captioning = replace(audience.captioning, direct_listeners=DIRECT)
        yield audience


@pytest.fixture
def fan_out(audience: Audience) -> Invocations:
    return Invocations(audience.stage)


def captions_posted(sockets: OpenSockets) -> Counter[str]:
    """By listener."""
    return Counter(to for to, frame in sockets.posts if frame["type"] == "caption")


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.replace(" ", "")


# ---- who posts


def test_an_audience_of_one_page_is_posted_to_without_another_invocation(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets
) -> None:
    members = audience.join("es", DIRECT)
    audience.say()
    assert captions_posted(sockets) == Counter(members)
    assert fan_out.events == []


def test_a_larger_one_is_posted_to_by_pages_when_the_function_returns(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets
) -> None:
    spanish, french = audience.join("es", 4), audience.join("fr", 3)
    audience.say()
    assert captions_posted(sockets) == Counter([*spanish, *french])
    assert all(audience.texts(each) == [f"[es] {TEXT}"] for each in spanish)
    assert all(audience.texts(each) == [f"[fr] {TEXT}"] for each in french)
    pages = sorted(sum(map(len, event["listeners"].values())) for event in fan_out.events)
    assert pages == [1, 3, 3]
    assert audience.stage.fan_outs == [], "an asynchronous event might be kept in a queue"


def test_five_thousand_listeners_in_five_languages_get_each_caption_once(
    stage: Stage, sockets: OpenSockets
) -> None:
    with gathered(stage) as audience:
        fan_out = Invocations(stage)
        listeners = {each: audience.join(each, 1_000) for each in ("en", "es", "fr", "de", "ja")}
        audience.say()
        assert captions_posted(sockets) == Counter(
            member for members in listeners.values() for member in members
        )
        assert len(fan_out.events) == 5_000 // DIRECT_LISTENERS
        assert sum(event["concurrentPosts"] for event in fan_out.events) <= CROWD_POSTS
        for language, members in listeners.items():
            expected = TEXT if language == "en" else f"[{language}] {TEXT}"
            texts = {frame["text"] for to, frame in sockets.posts if to in set(members)}
            assert texts == {expected}
        assert all(len(audience.service.asked(each)) == 1 for each in ("es", "fr", "de", "ja"))


def test_the_captions_of_a_crowd_keep_their_order(audience: Audience, fan_out: Invocations) -> None:
    members = audience.join("en", 8)
    for text in ("One.", "Two.", "Three."):
        audience.say(text)
    assert all(audience.texts(each) == ["One.", "Two.", "Three."] for each in members)


def test_a_language_over_several_pages_is_translated_once(
    audience: Audience, fan_out: Invocations
) -> None:
    audience.join("es", 10)
    audience.service.answers["es"] = lambda _: refused("AccessDeniedException")
    audience.say()
    assert audience.service.asked("es") == [TEXT]


def test_a_row_that_has_outlived_its_socket_is_on_no_page(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets
) -> None:
    stale, *fresh = audience.join("es", 5)
    audience.stage.change("connections", {"connectionId": stale}, ttl=1)
    audience.say()
    assert captions_posted(sockets) == Counter(fresh)


# ---- what is counted


def test_the_captions_of_pages_are_counted_once_and_by_the_translation_function(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets, capsys: Any
) -> None:
    gone, failing, *_ = audience.join("es", 7)
    sockets.open.discard(gone)
    sockets.failing.add(failing)
    printed(capsys)
    audience.say()
    metrics = printed(capsys)
    for metric in ('"CaptionsPosted":[5.0]', '"ConnectionsGone":[1.0]', '"PostsFailed":[1.0]'):
        assert metrics.count(metric) == 1
    assert "FramesDelivered" not in metrics
    assert audience.stage.connection(gone) == {}
    assert audience.stage.session(audience.session_id)["listenersByLanguage"] == {"es": 6}


def test_a_page_out_of_time_is_counted_as_untried(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets, capsys: Any
) -> None:
    audience.join("es", 7)
    audience.captioning = replace(audience.captioning, limits=replace(UNLIMITED, crowd_posting=0))
    printed(capsys)
    audience.say()
    assert captions_posted(sockets) == Counter()
    assert '"ListenersUntried":[7.0]' in printed(capsys)


def test_a_partial_caption_has_a_limit_of_its_own_and_its_untried_listeners_do_not_count(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets, capsys: Any
) -> None:
    members = audience.join("es", 7)
    limits = replace(UNLIMITED, partial_crowd_posting=0)
    audience.captioning = replace(audience.captioning, limits=limits)
    printed(capsys)
    audience.say(isPartial=True)
    assert captions_posted(sockets) == Counter()
    assert "ListenersUntried" not in printed(capsys)
    audience.say()
    assert captions_posted(sockets) == Counter(members)


def test_an_invocation_with_too_little_time_posts_nothing(
    audience: Audience, sockets: OpenSockets
) -> None:
    (member,) = audience.join("es")
    page = {
        "task": "captions",
        "sessionId": audience.session_id,
        "frames": {"es": '{"type":"caption"}'},
        "listeners": {"es": [member]},
        "concurrentPosts": 1,
        "postingSeconds": 100,
        "removingSeconds": 1,
    }
    counts: Any = audience.stage.entries["fan_out"](page, LambdaContext(remaining_ms=0))
    assert (counts["untried"], counts["delivered"]) == (1, 0)
    assert captions_posted(sockets) == Counter()


# ---- pages without a result


def unserved(audience: Audience, fan_out: Invocations, serve: Handler) -> None:
    """Let `serve` take the page of the first listener."""
    serves = fan_out.serves

    def serve_or_fail(event: Any, context: Any) -> Any:
        is_first = "listener/0+=" in event["listeners"].get("es", [])
        return (serve if is_first else serves)(event, context)

    fan_out.serves = serve_or_fail


def of_the_release_before(event: Any, context: Any) -> Any:
    """What a fan-out does that knows no pages of captions."""
    msgspec.convert(event, AnyFanOutTask)
    raise AssertionError("it knows no such task")


def fails_at_once(event: Any, context: Any) -> Any:
    raise RuntimeError(event["frames"]["es"])


def answers_something_else(event: Any, context: Any) -> Any:
    return ["nothing"]


@pytest.mark.parametrize("serve", [of_the_release_before, fails_at_once, answers_something_else])
def test_a_page_that_its_function_does_not_serve_is_posted_by_this_one(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets, serve: Handler
) -> None:
    members = audience.join("es", 7)
    unserved(audience, fan_out, serve)
    audience.say()
    assert captions_posted(sockets) == Counter(members)


@pytest.mark.parametrize("failure", [THROTTLED, UNREACHABLE, TIMED_OUT], ids=str)
def test_pages_that_cannot_be_handed_out_are_posted_by_this_function(
    audience: Audience, sockets: OpenSockets, failure: Exception
) -> None:
    members = audience.join("es", 7)

    class Failing:
        def invoke(self, **_: Any) -> None:
            raise failure

    audience.captioning = replace(
        audience.captioning, pages=CaptionPages(cast(Any, Failing), "fan-out")
    )
    audience.say()
    assert captions_posted(sockets) == Counter(members)


def test_a_page_that_failed_after_its_posts_is_posted_again_rather_than_lost(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets
) -> None:
    """Clients drop the double by its sequence."""
    members = audience.join("es", 7)
    serves = fan_out.serves

    def fail_afterwards(event: Any, context: Any) -> Any:
        serves(event, context)
        raise RuntimeError

    unserved(audience, fan_out, fail_afterwards)
    audience.say()
    posted = captions_posted(sockets)
    assert set(posted) == set(members)
    assert sorted(posted.values()) == [1, 1, 1, 1, 2, 2, 2]
    assert {caption["sequence"] for caption in audience.captions(members[0])} == {1}


def test_a_partial_page_without_a_result_is_left_out(
    audience: Audience, fan_out: Invocations, sockets: OpenSockets
) -> None:
    audience.join("es", 7)
    unserved(audience, fan_out, fails_at_once)
    audience.say(isPartial=True)
    assert captions_posted(sockets).total() == 4


def test_no_log_line_holds_what_was_said_to_a_page_that_failed(
    audience: Audience,
    fan_out: Invocations,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "a sentence that must not be logged"
    members = audience.join("es", 7)
    unserved(audience, fan_out, fails_at_once)
    audience.say(secret)
    lines = capsys.readouterr()
    records = "".join(str(vars(record)) for record in caplog.records)
    assert "A page of a caption has no result" in records
    for visible in (lines.out, lines.err, records):
        assert secret not in visible
        assert not any(member in visible for member in members)


# ---- limits


@pytest.mark.parametrize(("pages", "posts"), [(1, 48), (2, 48), (5, 48), (10, 24), (20, 12)])
def test_the_pages_of_a_caption_share_what_the_account_may_post(pages: int, posts: int) -> None:
    assert concurrent_posts(pages) == posts
    assert pages * posts <= CROWD_POSTS


def test_the_largest_session_is_posted_to_at_once() -> None:
    assert CONCURRENT_PAGES * DIRECT_LISTENERS >= 10_000


def test_a_caption_of_a_crowd_is_done_within_the_pipelines_time_at_the_worst() -> None:
    posted_here = LIMITS.crowd_posting + POST_TIMEOUT_SECONDS + LIMITS.removing
    assert posted_here < PAGE_TIMEOUT_SECONDS, "a page's function ends before it is given up"
    assert LIMITS.translation + PAGE_TIMEOUT_SECONDS + posted_here < PIPELINE_TIMEOUT_SECONDS


@pytest.mark.parametrize("character", ["语", "\U0001f600", '"', "\x01"])
def test_the_largest_page_is_within_the_payload_limit(character: str) -> None:
    text = character * TEXT_LIMIT_CHARACTERS
    frame = json.dumps({"text": text, "originalText": text}, ensure_ascii=False)
    page = CaptionPage(
        session_id="s" * 64,
        frames=dict.fromkeys(TARGET_LANGUAGES, frame),
        listeners={
            language: ["Abc12345_defg-h=" * 2] * (DIRECT_LISTENERS // len(TARGET_LANGUAGES) + 1)
            for language in TARGET_LANGUAGES
        },
        concurrent_posts=1,
        posting_seconds=1,
        removing_seconds=1,
    )
    assert len(msgspec.json.encode(page)) < SYNCHRONOUS_PAYLOAD_LIMIT_BYTES
