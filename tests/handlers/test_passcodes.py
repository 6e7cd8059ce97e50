"""Sessions that are joined by passcode: who is admitted, and where the passcode must not appear."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import connection
import pytest

from contract.functions import ConnectionEnvironment
from live_sessions.aws.runtime import read_environment
from live_sessions.sessions.passcodes import random_passcode
from tests.handlers.conftest import Stage
from tests.handlers.intercepted_clients import fail_with, intercepted, refusal

WRONG = "no passcode"


def create(stage: Stage, speaker: str, **fields: Any) -> dict[str, Any]:
    return stage.send(speaker, "createSession", sourceLanguage="en", **fields)


def by_passcode(stage: Stage) -> tuple[str, str]:
    """The id and the passcode of a session."""
    created = create(stage, stage.connect_speaker(), access="passcode")
    return created["sessionId"], created["passcode"]


def join(stage: Stage, session_id: str, **fields: Any) -> dict[str, Any]:
    listener = stage.connect_listener()
    return stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es", **fields)


def without_times(frame: dict[str, Any]) -> str:
    """The frame as text; six digits of a time may happen to be those of a passcode."""
    return str({name: value for name, value in frame.items() if name != "timestamp"})


def outcome(frame: dict[str, Any]) -> str:
    return frame.get("code") or frame["type"]


def test_passcodes_are_six_digits_of_which_all_are_used_everywhere() -> None:
    passcodes = [random_passcode() for _ in range(1000)]
    assert all(re.fullmatch(r"[0-9]{6}", passcode) for passcode in passcodes)
    for place in range(6):
        assert {passcode[place] for passcode in passcodes} == set("0123456789")
    assert max(Counter(passcodes).values()) < 5


def test_a_session_is_open_unless_it_is_created_otherwise(stage: Stage) -> None:
    for fields in ({}, {"access": "open"}):
        created = create(stage, stage.connect_speaker(), **fields)
        assert created["access"] == "open"
        assert "passcode" not in created
        assert "passcode" not in stage.session(created["sessionId"])


def test_a_session_by_passcode_has_one_of_its_own_which_the_speaker_is_sent(stage: Stage) -> None:
    created = [create(stage, stage.connect_speaker(), access="passcode") for _ in range(3)]
    assert {frame["access"] for frame in created} == {"passcode"}
    assert len({frame["passcode"] for frame in created}) > 1
    row = stage.session(created[0]["sessionId"])
    assert row["passcode"] == created[0]["passcode"]


@pytest.mark.parametrize("access", ["Open", "secret", "", None, True, 1, ["open"]])
def test_an_access_that_does_not_exist_is_refused_and_creates_nothing(
    stage: Stage, access: Any
) -> None:
    frame = create(stage, stage.connect_speaker(), access=access)
    assert frame["code"] == "INVALID_PARAMETER"
    assert frame["details"]["parameter"] == "access"
    assert stage.dynamodb.scan(TableName="sessions")["Count"] == 0


def test_the_right_passcode_admits_a_listener(stage: Stage) -> None:
    session_id, passcode = by_passcode(stage)
    joined = join(stage, session_id, passcode=passcode)
    assert joined["type"] == "sessionJoined"
    assert "passcode" not in joined
    assert "access" not in joined
    assert stage.session(session_id)["listenerCount"] == 1


def wrong_ones(passcode: str) -> list[str]:
    return ["", "12345", WRONG, f"{passcode} ", f"0{passcode}", passcode[:-1], "\u0661" * 6, "🔑"]


def test_a_missing_or_wrong_passcode_is_refused_and_counts_no_listener(stage: Stage) -> None:
    session_id, passcode = by_passcode(stage)
    assert join(stage, session_id)["code"] == "INVALID_PASSCODE"
    for wrong in wrong_ones(passcode):
        frame = join(stage, session_id, passcode=wrong)
        assert frame["code"] == "INVALID_PASSCODE", wrong
        assert passcode not in without_times(frame)
    assert stage.session(session_id)["listenerCount"] == 0


def test_whoever_was_refused_may_try_again_on_the_same_socket(stage: Stage) -> None:
    session_id, passcode = by_passcode(stage)
    listener = stage.connect_listener()
    message = {"action": "joinSession", "sessionId": session_id, "targetLanguage": "es"}
    assert stage.send(listener, **message, passcode=WRONG)["code"] == "INVALID_PASSCODE"
    assert stage.send(listener, **message, passcode=passcode)["type"] == "sessionJoined"


@pytest.mark.parametrize("value", [482913, 0, None, True, ["482913"], {"passcode": "482913"}])
def test_a_passcode_that_is_no_string_is_an_invalid_parameter_whose_value_is_not_sent_back(
    stage: Stage, value: Any
) -> None:
    for session_id in (by_passcode(stage)[0], stage.create_session(stage.connect_speaker())):
        frame = join(stage, session_id, passcode=value)
        assert frame["code"] == "INVALID_PARAMETER"
        assert frame["details"]["parameter"] == "passcode"
        assert "value" not in frame["details"]
        assert "482913" not in without_times(frame)


def test_an_open_session_ignores_a_passcode(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    assert join(stage, session_id, passcode=WRONG)["type"] == "sessionJoined"


def test_a_session_of_the_release_before_is_open(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    row = stage.session(session_id)
    del row["access"]
    stage.replace("sessions", row)
    assert join(stage, session_id)["type"] == "sessionJoined"


def test_a_row_by_passcode_that_has_none_admits_nobody(stage: Stage) -> None:
    session_id, _ = by_passcode(stage)
    row = stage.session(session_id)
    del row["passcode"]
    stage.replace("sessions", row)
    for fields in ({}, {"passcode": ""}, {"passcode": "None"}):
        assert join(stage, session_id, **fields)["code"] == "INVALID_PASSCODE"


def test_the_passcode_is_judged_after_the_session_and_before_its_places(stage: Stage) -> None:
    assert join(stage, "no-such-session", passcode=WRONG)["code"] == "SESSION_NOT_FOUND"
    session_id, passcode = by_passcode(stage)
    limit = int(stage.environment["MAX_LISTENERS_PER_SESSION"])
    for _ in range(limit):
        assert join(stage, session_id, passcode=passcode)["type"] == "sessionJoined"
    assert join(stage, session_id, passcode=WRONG)["code"] == "INVALID_PASSCODE"
    assert join(stage, session_id, passcode=passcode)["code"] == "SESSION_FULL"
    stage.change("sessions", {"sessionId": session_id}, endedAt=stage.clock.now_ms())
    assert join(stage, session_id, passcode=WRONG)["code"] == "SESSION_ENDED"


def test_a_member_of_a_session_is_told_nothing_about_another_ones_passcode(stage: Stage) -> None:
    session_id, passcode = by_passcode(stage)
    member = stage.join(stage.create_session(stage.connect_speaker()))
    for guess in (WRONG, passcode):
        frame = stage.send(
            member, "joinSession", sessionId=session_id, targetLanguage="es", passcode=guess
        )
        assert frame["code"] == "ALREADY_IN_SESSION"


def test_a_listener_refreshes_without_the_passcode_by_the_old_connection(stage: Stage) -> None:
    session_id, passcode = by_passcode(stage)
    old = stage.connect_listener()
    message = {"sessionId": session_id, "targetLanguage": "es"}
    stage.send(old, "joinSession", **message, passcode=passcode)
    new = stage.connect_listener()
    complete = stage.send(new, "refreshConnection", **message, connectionId=old)
    assert complete["type"] == "connectionRefreshComplete"
    assert complete.keys() == {
        *("type", "timestamp", "sessionId", "connectionId", "broadcastState")
    }


@pytest.mark.parametrize("access", ["open", "passcode"])
def test_a_speaker_who_refreshes_is_told_the_session_again(stage: Stage, access: str) -> None:
    created = create(
        stage, stage.connect_speaker(), access=access, sampleRateHertz=48_000, requestId="r1"
    )
    new = stage.connect_speaker()
    stage.send(new, "refreshConnection", sessionId=created["sessionId"])
    [complete] = stage.sockets.frames_of(new, "connectionRefreshComplete")
    repeated = ("access", "passcode", "sourceLanguage", "sampleRateHertz", "expiresAt")
    assert {name: complete.get(name) for name in repeated} == {
        name: created.get(name) for name in repeated
    }
    assert ("passcode" in complete) == (access == "passcode")


def test_the_sample_rate_that_a_refreshing_speaker_is_told_is_the_new_one(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    new = stage.connect_speaker()
    stage.send(new, "refreshConnection", sessionId=session_id, sampleRateHertz=44_100)
    [complete] = stage.sockets.frames_of(new, "connectionRefreshComplete")
    assert complete["sampleRateHertz"] == 44_100


def test_neither_logs_nor_frames_to_others_ever_have_the_passcode(
    stage: Stage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    passcode = "recognisable"
    stage.entries["connection"] = connection.build(
        read_environment(ConnectionEnvironment, stage.environment),
        stage.clients,
        stage.clock,
        new_passcode=lambda: passcode,
    )
    speaker = stage.connect_speaker()
    created = create(stage, speaker, access="passcode")
    session_id = created["sessionId"]
    assert created["passcode"] == passcode
    replies = [
        join(stage, session_id, passcode=passcode),
        join(stage, session_id, passcode=f"{passcode}0"),
        join(stage, session_id, passcode=[passcode]),
        join(stage, "no-such-session", passcode=passcode),
        stage.send(speaker, "getSessionStatus"),
        stage.send(speaker, "pauseBroadcast"),
    ]
    for operation in ("get_item", "update_item", "put_item"):
        for code in ("AccessDeniedException", "ThrottlingException"):
            with clients.intercept(operation, fail_with(refusal(code))):
                replies.append(join_open_socket(stage, session_id, passcode))
    stage.send(stage.connect_speaker(), "refreshConnection", sessionId=session_id)
    stage.run_fan_outs()
    stage.reconcile()
    stage.send(speaker, "endSession")
    assert {"sessionJoined", "INVALID_PASSCODE", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"} <= {
        outcome(reply) for reply in replies
    }
    assert passcode not in str(replies)
    to_others = [frame for who, frame in stage.sockets.posts if who.startswith("listener")]
    assert to_others
    assert passcode not in str(to_others)
    assert passcode not in str(stage.fan_outs)
    written = capsys.readouterr()
    logged = caplog.text + str([vars(record) for record in caplog.records])
    assert session_id in logged
    assert "Traceback" in logged
    assert passcode not in logged + written.out + written.err


def join_open_socket(stage: Stage, session_id: str, passcode: str) -> dict[str, Any]:
    listener = f"listener-{len(stage.sockets.open)}-by-hand="
    stage.open_socket(listener, {"role": "listener"})
    return stage.send(
        listener, "joinSession", sessionId=session_id, targetLanguage="es", passcode=passcode
    )
