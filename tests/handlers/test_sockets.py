"""Posts through @connections: what is delivered, retried, given up and left."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from live_sessions.aws import backoff
from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer, Response
from live_sessions.environment import AwsEnvironment
from live_sessions.posts import deliveries
from live_sessions.posts.deliveries import (
    ATTEMPTS,
    CONCURRENT_POSTS,
    Attempt,
    Delivery,
    deliver_all,
)
from live_sessions.posts.sockets import Sockets
from live_sessions.telemetry import logger
from tests.handlers.loopback import serving, status
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

FRAME = b'{"type":"broadcastPaused"}'
TIMED_OUT = NoAnswer("no answer: timed out", may_have_arrived=True)
REFUSED = NoAnswer("not connected: refused", may_have_arrived=False)


class ScriptedApi:
    """Answers each connection's requests in turn, its last answer for ever."""

    def __init__(self, **answers: list[int | NoAnswer]) -> None:
        self.answers = answers
        self.requests: Counter[str] = Counter()

    def request(self, method: str, path: str, body: bytes = b"") -> Response:
        connection_id = path.removeprefix("/@connections/")
        number = self.requests[connection_id]
        self.requests[connection_id] += 1
        script = self.answers.get(connection_id, [200])
        answer = script[min(number, len(script) - 1)]
        if isinstance(answer, NoAnswer):
            raise answer
        return Response(answer, b"")


def sockets(api: ScriptedApi) -> Sockets:
    return Sockets(cast(AwsHttp, api))


def in_good_time() -> float:
    return time.monotonic() + OUT_OF_REACH_SECONDS


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 0)


@pytest.mark.parametrize(
    ("answers", "delivery", "requests"),
    [
        ([200], Delivery.DELIVERED, 1),
        ([410], Delivery.GONE, 1),
        ([429, 200], Delivery.DELIVERED, 2),
        ([503, 410], Delivery.GONE, 2),
        ([500, 500, 200], Delivery.FAILED, 2),
        ([REFUSED, 200], Delivery.DELIVERED, 2),
        ([TIMED_OUT, 200], Delivery.FAILED, 1),
        ([403, 200], Delivery.FAILED, 1),
        ([413, 200], Delivery.FAILED, 1),
    ],
)
def test_one_post_is_repeated_once_where_the_first_had_no_effect(
    answers: list[int | NoAnswer], delivery: Delivery, requests: int
) -> None:
    api = ScriptedApi(one=answers)
    assert sockets(api).post("one", FRAME) is delivery
    assert api.requests["one"] == requests


def test_a_post_that_failed_is_logged_with_its_reason_and_no_connection_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(logger, "warning", lambda *text, extra: logged.append((text, extra)))
    sockets(ScriptedApi(**{"one-connection": [403]})).post("one-connection", FRAME)
    assert "status 403" in str(logged)
    assert "one-connection" not in str(logged)


def test_a_report_tells_what_became_of_each_frame_and_why() -> None:
    api = ScriptedApi(
        gone=[410],
        full=[429, 429, 200],
        broken=[502],
        hanging=[TIMED_OUT, 200],
        unreachable=[REFUSED, REFUSED, REFUSED, 200],
        forbidden=[403],
    )
    frames = dict.fromkeys([*api.answers, "well"], FRAME)
    report = sockets(api).post_all(frames, until_seconds=in_good_time())
    assert sorted(report.delivered) == ["full", "unreachable", "well"]
    assert report.gone == ["gone"]
    assert sorted(report.failed) == ["broken", "forbidden", "hanging"]
    assert report.failures == {"status 502": 1, "no answer: timed out": 1, "status 403": 1}
    assert report.untried == []
    assert api.requests == {
        "well": 1,
        "gone": 1,
        "full": 3,
        "broken": ATTEMPTS,
        "hanging": 1,
        "unreachable": ATTEMPTS,
        "forbidden": 1,
    }
    assert report.retried == 2 + 2 * (ATTEMPTS - 1)


def test_each_connection_gets_its_own_frame() -> None:
    with serving(lambda _: status(200)) as server:
        aws = AwsEnvironment("eu-central-1", "key", "secret")
        api = AwsHttp(
            f"{server.url}/live", "execute-api", aws, timeout_seconds=OUT_OF_REACH_SECONDS
        )
        frames = {f"a+{number}/=": str(number).encode() for number in range(100)}
        report = Sockets(api).post_all(frames, until_seconds=in_good_time())
    assert sorted(report.delivered) == sorted(frames)
    assert {request.path: request.body for request in server.requests} == {
        f"/live/@connections/a%2B{number}%2F%3D": str(number).encode() for number in range(100)
    }
    assert len(server.connections) <= CONCURRENT_POSTS


def test_nothing_is_begun_once_the_time_is_over() -> None:
    api = ScriptedApi()
    report = sockets(api).post_all({"a": FRAME, "b": FRAME}, until_seconds=time.monotonic())
    assert sorted(report.untried) == ["a", "b"]
    assert not api.requests


def test_a_frame_that_was_tried_but_has_no_time_left_for_a_repetition_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 10 * OUT_OF_REACH_SECONDS)
    no_pauses = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: None)
    monkeypatch.setattr(deliveries, "time", no_pauses)
    api = ScriptedApi(full=[429])
    report = sockets(api).post_all({"full": FRAME, "well": FRAME}, until_seconds=in_good_time())
    assert (report.failed, report.failures) == (["full"], {"status 429": 1})
    assert report.delivered == ["well"]
    assert api.requests["full"] == 1


def test_connections_that_hang_hold_up_no_other() -> None:
    others_are_done = threading.Event()
    done: list[str] = []

    def attempt(connection_id: str) -> Attempt:
        if connection_id.startswith("slow"):
            assert others_are_done.wait(PATIENCE_SECONDS), "the others waited for the slow ones"
        else:
            done.append(connection_id)
            if len(done) == 500:
                others_are_done.set()
        return Attempt(Delivery.DELIVERED)

    slow = [f"slow-{number}" for number in range(CONCURRENT_POSTS - 1)]
    report = deliver_all([*slow, *map(str, range(500))], attempt, until_seconds=in_good_time())
    assert len(report.delivered) == 500 + len(slow)


def test_a_connection_left_out_is_in_no_list_and_no_connections_are_no_work() -> None:
    def attempt(connection_id: str) -> Attempt | None:
        return None

    for connection_ids in ([], ["a"], ["a", "b"]):
        report = deliver_all(connection_ids, attempt, until_seconds=in_good_time())
        assert report == deliveries.DeliveryReport()


def test_an_attempt_that_raises_stops_no_other_and_is_not_hidden() -> None:
    seen: list[str] = []

    def attempt(connection_id: str) -> Attempt:
        seen.append(connection_id)
        if connection_id == "7":
            raise LookupError(connection_id)
        return Attempt(Delivery.DELIVERED)

    with pytest.raises(LookupError, match="7"):
        deliver_all(map(str, range(200)), attempt, until_seconds=in_good_time())
    assert len(seen) == 200


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_SECONDS", 0.2)
    for attempts, longest_seconds in ((1, 0.2), (2, 0.4), (3, 0.8)):
        pauses = [backoff.backoff_seconds(attempts) for _ in range(100)]
        assert len(set(pauses)) > 1
        assert all(longest_seconds / 2 <= pause <= longest_seconds for pause in pauses)


@pytest.mark.parametrize(
    ("answers", "is_open"),
    [([200], True), ([410], False), ([503, 410], False), ([TIMED_OUT, 200], True)],
)
def test_whether_a_connection_is_open_is_asked_twice_at_most(
    answers: list[int | NoAnswer], is_open: bool
) -> None:
    assert sockets(ScriptedApi(one=answers)).is_open("one") is is_open


@pytest.mark.parametrize("answer", [500, 429, 403, TIMED_OUT])
def test_without_an_answer_nobody_knows_whether_a_connection_is_open(
    answer: int | NoAnswer,
) -> None:
    with pytest.raises((NoAnswer, CallFailed)) as failure:
        sockets(ScriptedApi(one=[answer])).is_open("one")
    assert "one" not in str(failure.value)
