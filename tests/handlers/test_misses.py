"""Misses of joinSession and refreshConnection are counted together, and guesses end at a limit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.handlers.conftest import Stage
from tests.handlers.intercepted_clients import THROTTLED, TIMED_OUT, Call, fail_with, intercepted

MINUTE_START_MS = 1_795_000_020_000
ADDRESS_LIMIT = 6
SESSION_LIMIT = 4
WRONG = "no passcode"

Message = dict[str, Any]


class Guesses:
    """Tries from one address, in one minute of the clock, unless they are moved."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now_ms = MINUTE_START_MS
        self.clients = intercepted(stage)
        stage.clock = replace(stage.clock, now_ms=lambda: self.now_ms)
        stage.environment["JOIN_MISSES_PER_ADDRESS_PER_MINUTE"] = str(ADDRESS_LIMIT)
        stage.environment["PASSCODE_MISSES_PER_SESSION_PER_MINUTE"] = str(SESSION_LIMIT)
        self.speaker = stage.connect_speaker()
        self.open = stage.create_session(self.speaker)
        created = stage.send(
            stage.connect_speaker("user-2"),
            "createSession",
            sourceLanguage="en",
            access="passcode",
        )
        self.locked, self.passcode = created["sessionId"], created["passcode"]

    def send(self, action: str, role: str = "listener", **fields: Any) -> Message:
        connect = self.stage.connect_listener if role == "listener" else self.stage.connect_speaker
        return self.stage.send(connect(), action, **fields)

    def join(self, session_id: str, passcode: str | None = None) -> str:
        given = {} if passcode is None else {"passcode": passcode}
        return outcome(self.send("joinSession", sessionId=session_id, targetLanguage="es", **given))

    def refresh(self, session_id: str, old: str) -> str:
        return outcome(
            self.send(
                "refreshConnection", sessionId=session_id, connectionId=old, targetLanguage="es"
            )
        )

    def refresh_speaker(self, session_id: str, user_id: str = "user-1") -> str:
        new = self.stage.connect_speaker(user_id)
        return outcome(self.stage.send(new, "refreshConnection", sessionId=session_id))

    def use_up(self, times: int = ADDRESS_LIMIT) -> None:
        for _ in range(times):
            assert self.join("no-such-session") == "SESSION_NOT_FOUND"

    def use_up_session(self) -> None:
        for _ in range(SESSION_LIMIT):
            assert self.join(self.locked, WRONG) == "INVALID_PASSCODE"

    def move(self, address: str) -> None:
        self.stage.source_ip = address


def outcome(frame: Message) -> str:
    if frame.get("code") == "RATE_LIMITED":
        assert frame["details"] == {"retryAfterSeconds": 60}
    return frame.get("code") or frame["type"]


@pytest.fixture
def guesses(stage: Stage) -> Guesses:
    return Guesses(stage)


MISSES: dict[str, tuple[Callable[[Guesses], str], str]] = {
    "an unknown session": (lambda g: g.join("no-such-session"), "SESSION_NOT_FOUND"),
    "a wrong passcode": (lambda g: g.join(g.locked, WRONG), "INVALID_PASSCODE"),
    "a missing passcode": (lambda g: g.join(g.locked), "INVALID_PASSCODE"),
    "a wrong old connection": (lambda g: g.refresh(g.open, "L1="), "CONNECTION_NOT_FOUND"),
    "a refresh in no session": (lambda g: g.refresh("none", "L1="), "CONNECTION_NOT_FOUND"),
    "a speaker in no session": (lambda g: g.refresh_speaker("none"), "SESSION_NOT_FOUND"),
}


@pytest.mark.parametrize("what", MISSES)
def test_this_is_a_miss_of_its_address(guesses: Guesses, what: str) -> None:
    miss, answer = MISSES[what]
    guesses.use_up(ADDRESS_LIMIT - 1)
    assert miss(guesses) == answer
    assert guesses.join("no-such-session") == "RATE_LIMITED"
    assert miss(guesses) == "RATE_LIMITED"


NO_MISSES: dict[str, tuple[Callable[[Guesses], str], str]] = {
    "a join": (lambda g: g.join(g.open), "sessionJoined"),
    "a join by passcode": (lambda g: g.join(g.locked, g.passcode), "sessionJoined"),
    "another speaker's session": (
        lambda g: g.refresh_speaker(g.locked, "user-1"),
        "UNAUTHORIZED_ACTION",
    ),
    "a speaker's own session": (lambda g: g.refresh_speaker(g.open), "stateRestored"),
}


@pytest.mark.parametrize("what", NO_MISSES)
def test_this_is_no_miss(guesses: Guesses, what: str) -> None:
    try_it, answer = NO_MISSES[what]
    guesses.use_up(ADDRESS_LIMIT - 1)
    assert try_it(guesses) == answer
    assert guesses.join("no-such-session") == "SESSION_NOT_FOUND"
    assert guesses.join("no-such-session") == "RATE_LIMITED"


def test_what_has_ended_or_is_full_is_no_miss(guesses: Guesses, stage: Stage) -> None:
    guesses.use_up(ADDRESS_LIMIT - 1)
    for _ in range(int(stage.environment["MAX_LISTENERS_PER_SESSION"])):
        guesses.join(guesses.open)
    assert guesses.join(guesses.open) == "SESSION_FULL"
    stage.send(guesses.speaker, "endSession")
    assert guesses.join(guesses.open) == "SESSION_ENDED"
    assert guesses.join("no-such-session") == "SESSION_NOT_FOUND"


def test_at_the_limit_of_an_address_right_tries_are_refused_as_well(
    guesses: Guesses, stage: Stage
) -> None:
    member = stage.join(guesses.open)
    guesses.use_up()
    before = stage.session(guesses.open)
    assert guesses.join(guesses.open) == "RATE_LIMITED"
    assert guesses.join(guesses.locked, guesses.passcode) == "RATE_LIMITED"
    assert guesses.refresh(guesses.open, member) == "RATE_LIMITED"
    assert guesses.refresh_speaker(guesses.locked, "user-1") == "RATE_LIMITED"
    assert stage.session(guesses.open) == before
    assert stage.connection(member)["sessionId"] == guesses.open


def test_a_speaker_takes_their_own_session_back_from_an_address_at_its_limit(
    guesses: Guesses,
) -> None:
    guesses.use_up()
    assert guesses.refresh_speaker(guesses.open) == "stateRestored"


def test_other_addresses_and_the_next_minute_are_not_affected(guesses: Guesses) -> None:
    guesses.use_up()
    guesses.now_ms += 59_999
    assert guesses.send("joinSession", sessionId=guesses.open, targetLanguage="es")["details"] == {
        "retryAfterSeconds": 1
    }
    guesses.move("203.0.113.8")
    assert guesses.join(guesses.open) == "sessionJoined"
    guesses.move("203.0.113.7")
    guesses.now_ms += 1
    assert guesses.join(guesses.open) == "sessionJoined"


def test_the_addresses_of_a_network_count_as_one(guesses: Guesses) -> None:
    networks = itertools.count(1)
    for _ in range(ADDRESS_LIMIT):
        guesses.move(f"2001:db8:7:{next(networks):x}::1")
        assert guesses.join("no-such-session") == "SESSION_NOT_FOUND"
    guesses.move("2001:db8:7:ffff::1")
    assert guesses.join(guesses.open) == "RATE_LIMITED"
    guesses.move("2001:db8:8::1")
    assert guesses.join(guesses.open) == "sessionJoined"


def test_at_the_limit_of_a_session_nobody_joins_it_whatever_the_address(
    guesses: Guesses, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(SESSION_LIMIT):
        guesses.move(f"198.51.100.{number}")
        assert guesses.join(guesses.locked, WRONG) == "INVALID_PASSCODE"
    assert "PasscodeTriesRefused" not in capsys.readouterr().out
    guesses.move("203.0.113.99")
    assert guesses.join(guesses.locked, guesses.passcode) == "RATE_LIMITED"
    assert guesses.join(guesses.locked, WRONG) == "RATE_LIMITED"
    assert stage.session(guesses.locked)["listenerCount"] == 0
    assert capsys.readouterr().out.count('"PasscodeTriesRefused":[1.0]') == 2
    assert guesses.join(guesses.open) == "sessionJoined", "other sessions are not affected"
    guesses.now_ms += 60_000
    assert guesses.join(guesses.locked, guesses.passcode) == "sessionJoined"


def test_a_wrong_old_connection_counts_for_the_session_and_a_right_one_waits_with_the_others(
    guesses: Guesses, stage: Stage
) -> None:
    member = stage.connect_listener()
    stage.send(
        member,
        "joinSession",
        sessionId=guesses.locked,
        targetLanguage="es",
        passcode=guesses.passcode,
    )
    for _ in range(SESSION_LIMIT):
        assert guesses.refresh(guesses.locked, "L1=") == "CONNECTION_NOT_FOUND"
    assert guesses.join(guesses.locked, guesses.passcode) == "RATE_LIMITED"
    assert guesses.refresh(guesses.locked, member) == "RATE_LIMITED"
    guesses.now_ms += 60_000
    assert guesses.refresh(guesses.locked, member) == "connectionRefreshComplete"


def test_a_session_at_its_limit_does_not_keep_its_speaker_out(guesses: Guesses) -> None:
    guesses.use_up_session()
    assert guesses.refresh_speaker(guesses.locked, "user-2") == "stateRestored"


def test_open_sessions_have_no_limit_of_their_own(guesses: Guesses) -> None:
    for number in range(2 * SESSION_LIMIT):
        guesses.move(f"198.51.100.{number}")
        assert guesses.refresh(guesses.open, "L1=") == "CONNECTION_NOT_FOUND"


def counted(stage: Stage) -> dict[str, int]:
    """The misses by their row's key, without the minute."""
    return {
        item["identifier"]["S"].rpartition(":")[0]: int(item["hits"]["N"])
        for item in stage.dynamodb.scan(TableName="rate-limits")["Items"]
        if item["identifier"]["S"].startswith("failed-joins") and item["hits"]["N"] != "0"
    }


def test_what_is_refused_at_one_limit_does_not_count_at_the_other(
    guesses: Guesses, stage: Stage
) -> None:
    """Otherwise the other counter would show which of the refused tries was right."""
    guesses.use_up_session()
    before = counted(stage)
    for passcode in (WRONG, guesses.passcode):
        assert guesses.join(guesses.locked, passcode) == "RATE_LIMITED"
    assert counted(stage) == before
    guesses.now_ms += 60_000
    guesses.use_up()
    before = counted(stage)
    for passcode in (WRONG, guesses.passcode):
        assert guesses.join(guesses.locked, passcode) == "RATE_LIMITED"
    assert counted(stage) == before


def test_guesses_at_the_same_moment_get_no_more_answers_than_one_after_the_other(
    guesses: Guesses, stage: Stage
) -> None:
    """Each has compared its passcode before any is counted; the right one is counted last."""
    to_come = iter([WRONG] * 20)
    answers: list[str] = []

    def after_the_others(call: Call) -> Any:
        if (wrong := next(to_come, None)) is not None:
            answers.append(guesses.join(guesses.locked, wrong))
        return call.carry_out()

    with guesses.clients.intercept("update_item", after_the_others, TableName="rate-limits"):
        assert guesses.join(guesses.locked, guesses.passcode) == "RATE_LIMITED"
    assert len(answers) == 20
    assert answers.count("INVALID_PASSCODE") == SESSION_LIMIT
    assert answers.count("RATE_LIMITED") == 20 - SESSION_LIMIT
    assert stage.session(guesses.locked)["listenerCount"] == 0


@pytest.mark.parametrize("failure", [THROTTLED, TIMED_OUT], ids=["throttled", "no answer"])
def test_a_passcode_is_not_judged_while_misses_cannot_be_counted(
    guesses: Guesses, stage: Stage, failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    listener = stage.connect_listener()
    with guesses.clients.intercept("update_item", fail_with(failure), TableName="rate-limits"):
        for passcode in (WRONG, guesses.passcode):
            frame = stage.send(
                listener,
                "joinSession",
                sessionId=guesses.locked,
                targetLanguage="es",
                passcode=passcode,
            )
            assert frame["code"] == "SERVICE_UNAVAILABLE"
    assert stage.session(guesses.locked)["listenerCount"] == 0
    assert "RateLimitsUnavailable" in capsys.readouterr().out


@pytest.mark.parametrize("number", [1, 2, 3], ids=["address", "session", "address again"])
def test_a_passcode_is_not_judged_if_any_one_of_its_counts_fails(
    guesses: Guesses, stage: Stage, number: int
) -> None:
    for passcode in (WRONG, guesses.passcode):
        counts = iter(range(1, 4))

        def fail_one(call: Call, counts: Iterator[int] = counts) -> Any:
            if "failed-joins" in str(call.request["Key"]) and next(counts) == number:
                raise TIMED_OUT
            return call.carry_out()

        with guesses.clients.intercept("update_item", fail_one, TableName="rate-limits"):
            assert guesses.join(guesses.locked, passcode) == "SERVICE_UNAVAILABLE"
    assert stage.session(guesses.locked)["listenerCount"] == 0


def test_open_sessions_are_joined_and_unknown_ones_refused_while_misses_cannot_be_counted(
    guesses: Guesses, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    member = stage.join(guesses.open)
    capsys.readouterr()
    with guesses.clients.intercept("update_item", fail_with(THROTTLED), TableName="rate-limits"):
        assert guesses.join(guesses.open) == "sessionJoined"
        assert guesses.join("no-such-session") == "SESSION_NOT_FOUND"
        assert guesses.refresh(guesses.open, member) == "connectionRefreshComplete"
        assert guesses.refresh_speaker("none") == "SESSION_NOT_FOUND"
    assert "RateLimitsUnavailable" in capsys.readouterr().out
