"""Rate limits: each check is one update; messages pass if the table fails."""

from __future__ import annotations

from typing import Any

import pytest

from contract.actions import Rate
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.refusals import ProtocolError
from live_sessions.wire.requests import site_of
from tests.handlers.conftest import ENVIRONMENT, LambdaContext, Stage
from tests.handlers.intercepted_clients import fail_with, intercepted, refusal

MINUTE_START_MS = 1_700_000_040_000
EVERY_LIMIT = int(ENVIRONMENT["JOINS_PER_ADDRESS_PER_MINUTE"])


def rate_limits(stage: Stage) -> RateLimits:
    return RateLimits(stage.clients.dynamodb(), "rate-limits", {Rate.JOINS: 2, Rate.SESSIONS: 2})


def rows(stage: Stage) -> dict[str, dict[str, Any]]:
    items = stage.dynamodb.scan(TableName="rate-limits")["Items"]
    return {item["identifier"]["S"]: item for item in items}


def test_a_window_admits_its_limit_and_the_refusal_says_when_the_next_one_begins(
    stage: Stage,
) -> None:
    limits = rate_limits(stage)
    at_ms = MINUTE_START_MS + 12_400
    limits.require(Rate.JOINS, "a", at_ms=at_ms)
    limits.require(Rate.JOINS, "a", at_ms=at_ms)
    with pytest.raises(ProtocolError) as refused:
        limits.require(Rate.JOINS, "a", at_ms=at_ms)
    assert refused.value.code == "RATE_LIMITED"
    assert refused.value.details == {"retryAfterSeconds": 48}
    limits.require(Rate.JOINS, "b", at_ms=at_ms)
    limits.require(Rate.SESSIONS, "a", at_ms=at_ms)
    limits.require(Rate.JOINS, "a", at_ms=MINUTE_START_MS + 60_000)
    window = MINUTE_START_MS // 60_000
    row = rows(stage)[f"joins:a:{window}"]
    assert row["hits"] == {"N": "2"}
    assert int(row["ttl"]["N"]) >= MINUTE_START_MS // 1000 + 60


def test_messages_pass_and_a_metric_rises_while_the_table_fails(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    limits = rate_limits(stage)
    with clients.intercept("update_item", fail_with(refusal("AccessDeniedException"))):
        for _ in range(5):
            limits.require(Rate.JOINS, "a", at_ms=MINUTE_START_MS)
    assert "RateLimitsUnavailable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_the_addresses_of_an_ipv6_site_count_as_one(address: str, subject: str) -> None:
    assert site_of(address) == subject


def use_up(stage: Stage, kind: str, subject: str, window_seconds: int, *, left: int = 0) -> None:
    """Leave a subject `left` of a kind, in this window and in the next."""
    window = stage.clock.now_ms() // 1000 // window_seconds
    for each in (window, window + 1):
        row = {"identifier": f"{kind}:{subject}:{each}", "hits": EVERY_LIMIT - left}
        stage.replace("rate-limits", row)


def refused(frame: dict[str, Any]) -> bool:
    if frame.get("code") != "RATE_LIMITED":
        return False
    assert 0 < frame["details"]["retryAfterSeconds"] <= 3600
    return True


def test_sessions_are_limited_per_user(stage: Stage) -> None:
    use_up(stage, "sessions", "user-1", 3600)
    speaker = stage.connect_speaker()
    assert refused(stage.send(speaker, "createSession", sourceLanguage="en"))
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0
    stage.create_session(stage.connect_speaker("user-2"))


def test_joins_are_limited_per_address(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.connect_listener()
    join = {"action": "joinSession", "sessionId": session_id, "targetLanguage": "es"}
    use_up(stage, "joins", stage.source_ip, 60)
    assert refused(stage.send(listener, **join))
    assert stage.session(session_id)["listenerCount"] == 0
    stage.source_ip = "203.0.113.8"
    assert stage.send(listener, **join)["type"] == "sessionJoined"


def test_a_refresh_counts_as_a_join_of_its_address_and_a_control_of_its_socket(
    stage: Stage,
) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    use_up(stage, "joins", stage.source_ip, 60, left=2)
    new = stage.connect_speaker()
    refresh = {"action": "refreshConnection", "sessionId": session_id}
    assert stage.send(new, **refresh)["type"] == "stateRestored"
    assert refused(
        stage.send(stage.join(session_id), **refresh, connectionId="L=", targetLanguage="es")
    )
    stage.source_ip = "203.0.113.8"
    use_up(stage, "controls", new, 60)
    assert refused(stage.send(new, **refresh))
    joined = [key for key in rows(stage) if key.startswith("joins:203.0.113.8")]
    assert joined == [], "what its socket may not send does not count for the address"


def test_all_controls_of_a_connection_count_against_one_limit(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    session_id = stage.create_session(speaker)
    listener = stage.join(session_id)
    use_up(stage, "controls", speaker, 60, left=1)
    assert stage.send(speaker, "muteBroadcast")["type"] == "broadcastMuted"
    assert refused(stage.send(speaker, "setVolume", volumeLevel=0.5))
    assert refused(stage.send(speaker, "pauseBroadcast"))
    assert stage.session(session_id)["broadcastState"]["version"] == 2
    assert stage.send(listener, "pausePlayback")["type"] == "playbackPaused"
    use_up(stage, "controls", listener, 60)
    assert refused(stage.send(listener, "changeLanguage", targetLanguage="fr"))
    assert refused(stage.send(listener, "resumePlayback"))
    assert stage.send(listener, "leaveSession")["type"] == "sessionLeft"
    assert stage.send(speaker, "endSession")["type"] == "sessionEnded"


def test_parameters_are_checked_before_the_rate_and_membership_after_it(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    use_up(stage, "controls", speaker, 60)
    assert stage.send(speaker, "setVolume", volumeLevel=7)["code"] == "INVALID_PARAMETER"
    assert refused(stage.send(speaker, "pauseBroadcast"))


def test_a_handshake_over_the_rate_is_refused_and_writes_no_row(stage: Stage) -> None:
    known = stage.connect_listener()
    use_up(stage, "connections", stage.source_ip, 60)
    event = stage.event(known, "CONNECT", "$connect")
    event["requestContext"]["connectionId"] = "late="
    assert stage.entries["connection"](event, LambdaContext()) == {"statusCode": 429}
    assert stage.connection("late=") == {}


def test_status_queries_are_limited_per_user(stage: Stage) -> None:
    speaker, other = stage.connect_speaker(), stage.connect_speaker("user-2")
    for each in (speaker, other):
        stage.create_session(each)
    use_up(stage, "status-queries", "user-1", 60)
    assert refused(stage.send(speaker, "getSessionStatus"))
    assert stage.send(other, "getSessionStatus")["type"] == "sessionStatus"


def test_a_heartbeat_writes_nothing_and_is_never_limited(stage: Stage) -> None:
    listener = stage.connect_listener()
    before = rows(stage)
    for _ in range(3):
        response = stage.entries["heartbeat"](
            stage.event(listener, "MESSAGE", "heartbeat", '{"action": "heartbeat"}'),
            LambdaContext(),
        )
        assert "heartbeatAck" in response["body"]
    assert rows(stage) == before
