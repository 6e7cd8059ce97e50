"""Posts to sockets: what is delivered, retried, failed and left untried."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import cast

import pytest

from live_sessions.aws.http import AwsHttp, CallFailed, NoAnswer, Response
from live_sessions.aws.retries import BACKOFF_SECONDS, backoff_seconds
from live_sessions.aws.runtime import AwsEnvironment, Clock
from live_sessions.wire.frames import HeartbeatAck
from live_sessions.wire.sockets import (
    ATTEMPTS,
    CONCURRENT_POSTS,
    Delivery,
    DeliveryReport,
    PostResult,
    Sockets,
)
from tests.handlers.loopback import serving, status
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

FRAME = HeartbeatAck(timestamp=1)
DATA = FRAME.encode()
TIMED_OUT = NoAnswer("no answer: timed out", may_have_arrived=True)
REFUSED = NoAnswer("not connected: refused", may_have_arrived=False)
WITHOUT_PAUSES = Clock(sleep=lambda seconds: None)


class ScriptedApi:
    """Answers each connection's requests in turn; the last answer is repeated."""

    def __init__(self, **answers: Sequence[int | NoAnswer]) -> None:
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


def sockets(api: ScriptedApi, clock: Clock = WITHOUT_PAUSES) -> Sockets:
    return Sockets(cast(AwsHttp, api), clock)


def in_good_time() -> float:
    return WITHOUT_PAUSES.monotonic() + OUT_OF_REACH_SECONDS


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
def test_a_post_is_repeated_once_if_the_first_had_no_effect(
    answers: list[int | NoAnswer], delivery: Delivery, requests: int
) -> None:
    api = ScriptedApi(one=answers)
    assert sockets(api).post("one", FRAME) is delivery
    assert api.requests["one"] == requests


def test_a_failed_post_is_logged_with_its_reason_and_without_the_connection_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sockets(ScriptedApi(**{"one-connection": [403]})).post("one-connection", FRAME)
    (record,) = caplog.records
    assert (record.message, vars(record)["reason"]) == ("A post failed", "status 403")
    assert "one-connection" not in str(vars(record))


def test_a_report_lists_connections_by_what_happened_to_their_frame() -> None:
    api = ScriptedApi(
        gone=[410],
        full=[429, 429, 200],
        broken=[502],
        hanging=[TIMED_OUT, 200],
        unreachable=[REFUSED, REFUSED, REFUSED, 200],
        forbidden=[403],
    )
    frames = dict.fromkeys([*api.answers, "well"], DATA)
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
        frames = {f"a+{number}/=": str(number).encode() for number in range(CONCURRENT_POSTS + 12)}
        report = Sockets(api, WITHOUT_PAUSES).post_all(frames, until_seconds=in_good_time())
    assert sorted(report.delivered) == sorted(frames)
    assert {request.path: request.body for request in server.requests} == {
        f"/live/@connections/a%2B{number}%2F%3D": str(number).encode()
        for number in range(CONCURRENT_POSTS + 12)
    }
    assert len(server.connections) <= CONCURRENT_POSTS


def test_no_post_starts_after_the_time_is_up() -> None:
    api = ScriptedApi()
    report = sockets(api, Clock(monotonic=lambda: 7)).post_all(
        {"a": DATA, "b": DATA}, until_seconds=7
    )
    assert sorted(report.untried) == ["a", "b"]
    assert not api.requests


def test_a_post_whose_retry_would_come_too_late_has_failed() -> None:
    api = ScriptedApi(full=[429])
    shortest_pause_seconds = BACKOFF_SECONDS / 2
    report = sockets(api, Clock(monotonic=lambda: 0)).post_all(
        {"full": DATA, "well": DATA}, until_seconds=shortest_pause_seconds
    )
    assert (report.failed, report.failures) == (["full"], {"status 429": 1})
    assert report.delivered == ["well"]
    assert api.requests["full"] == 1


def test_connections_that_hang_do_not_delay_the_others() -> None:
    others_are_done = threading.Event()
    done: list[str] = []

    def deliver(connection_id: str) -> PostResult:
        if connection_id.startswith("slow"):
            assert others_are_done.wait(PATIENCE_SECONDS), "the others waited for the slow ones"
        else:
            done.append(connection_id)
            if len(done) == 500:
                others_are_done.set()
        return PostResult(Delivery.DELIVERED)

    slow = [f"slow-{number}" for number in range(CONCURRENT_POSTS - 1)]
    report = sockets(ScriptedApi()).deliver_all(
        [*slow, *map(str, range(500))], deliver, until_seconds=in_good_time()
    )
    assert len(report.delivered) == 500 + len(slow)


def test_a_connection_without_a_result_is_in_no_list() -> None:
    def deliver(connection_id: str) -> PostResult | None:
        return None

    for connection_ids in ([], ["a"], ["a", "b"]):
        report = sockets(ScriptedApi()).deliver_all(
            connection_ids, deliver, until_seconds=in_good_time()
        )
        assert report == DeliveryReport()


def test_an_error_in_one_delivery_is_raised_after_all_others_are_done() -> None:
    seen: list[str] = []

    def deliver(connection_id: str) -> PostResult:
        seen.append(connection_id)
        if connection_id == "7":
            raise LookupError(connection_id)
        return PostResult(Delivery.DELIVERED)

    with pytest.raises(LookupError, match="7"):
        sockets(ScriptedApi()).deliver_all(
            map(str, range(200)), deliver, until_seconds=in_good_time()
        )
    assert len(seen) == 200


def test_pauses_double_and_are_random() -> None:
    for attempts, longest_seconds in ((1, 0.2), (2, 0.4), (3, 0.8)):
        pauses = [backoff_seconds(attempts) for _ in range(100)]
        assert len(set(pauses)) > 1
        assert all(longest_seconds / 2 <= pause <= longest_seconds for pause in pauses)


@pytest.mark.parametrize(
    ("answers", "logs"),
    [([204], []), ([410], []), ([500], ["status 500"]), ([TIMED_OUT], ["no answer: timed out"])],
)
def test_a_socket_is_closed_by_one_request_whose_failure_is_logged(
    caplog: pytest.LogCaptureFixture, answers: list[int | NoAnswer], logs: list[str]
) -> None:
    api = ScriptedApi(one=answers)
    sockets(api).close("one")
    assert api.requests["one"] == 1
    assert [vars(record)["reason"] for record in caplog.records] == logs


@pytest.mark.parametrize(
    ("answers", "is_open"),
    [([200], True), ([410], False), ([503, 410], False), ([TIMED_OUT, 200], True)],
)
def test_whether_a_connection_is_open_is_asked_at_most_twice(
    answers: list[int | NoAnswer], is_open: bool
) -> None:
    assert sockets(ScriptedApi(one=answers)).is_open("one") is is_open


@pytest.mark.parametrize("answer", [500, 429, 403, TIMED_OUT])
def test_whether_a_connection_is_open_is_unknown_if_api_gateway_does_not_say(
    answer: int | NoAnswer,
) -> None:
    with pytest.raises((NoAnswer, CallFailed)) as failure:
        sockets(ScriptedApi(one=[answer])).is_open("one")
    assert "one" not in str(failure.value)
