"""Each alarm over a metric of our own is told by exactly what the function's handler emits.

The alarms and the functions' environments are those of the program; the handlers run on moto.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from aws_lambda_powertools import Metrics
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from jwt import PyJWKClient

from live_sessions import telemetry
from live_sessions.captions.transcript import Transcript
from program.engine import Engine, recorded
from program.stack_config import stack_config
from tests.handlers.audio.broadcast import Broadcast
from tests.handlers.audio.recogniser import PERMANENT, Plan, word
from tests.handlers.captions.audience import gathered
from tests.handlers.conftest import LambdaContext, Stage
from tests.handlers.test_session_status import deliver, run_tick, tick
from tests.handlers.translate_service import refused

STACK = "staging"
EMF = "_aws"
MILLISECONDS, COUNT = "Milliseconds", "Count"
AUDIO = b"\x01\x00" * 1_600


@dataclass(frozen=True)
class Emitted:
    """One value of a metric as CloudWatch reads it from a log line."""

    namespace: str
    dimensions: Mapping[str, str]
    unit: str
    value: float


@dataclass(frozen=True)
class Scene:
    """What a scenario has at hand."""

    stage: Stage
    monkeypatch: pytest.MonkeyPatch


Scenario = Callable[[Scene], None]


def silent(*_: Any, **__: Any) -> Any:
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def unreachable(*_: Any, **__: Any) -> Any:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


@dataclass(frozen=True)
class Call:
    """An action, and what its entry calls for it: `owner` is a name of the entry's module."""

    entry: str
    owner: str
    method: str
    action: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def failing(self, failure: Callable[..., Any], code: str) -> Scenario:
        """The action, while that call fails; its sender gets the code."""

        def act(scene: Scene) -> None:
            stage = scene.stage
            speaker = stage.connect_speaker()
            if self.entry != "connection":
                stage.create_session(speaker)
            owner = getattr(stage.entries[self.entry], self.owner)
            scene.monkeypatch.setattr(type(owner), self.method, failure)
            if self.action == "sendAudio":
                stage.send_audio(speaker, 0, AUDIO)
                (answer,) = stage.sockets.frames_of(speaker, "error")
            else:
                answer = stage.send(speaker, self.action, **self.fields)
            assert answer["code"] == code

        return act


CALLS = (
    Call("connection", "SESSIONS", "create", "createSession", {"sourceLanguage": "en"}),
    Call("heartbeat", "CONNECTIONS", "is_known", "heartbeat"),
    Call("refresh", "SESSIONS", "get", "refreshConnection", {"sessionId": "quiet-river-123"}),
    Call("session_status", "HURRIED_CONNECTIONS", "session_of", "getSessionStatus"),
    Call("audio_ingest", "ADMISSION", "send_audio", "sendAudio"),
)


def cannot_count_rates(entry: str, act: Scenario) -> Scenario:
    def without_rates(scene: Scene) -> None:
        limits = scene.stage.entries[entry].RATE_LIMITS
        client = SimpleNamespace(update_item=unreachable, exceptions=limits._client.exceptions)
        scene.monkeypatch.setattr(limits, "_client", client)
        act(scene)

    return without_rates


def ticks(scene: Scene) -> None:
    deliver(scene.stage, tick(age_seconds=7))


def ticks_far_too_late(scene: Scene) -> None:
    deliver(scene.stage, tick(age_seconds=100))


def asks_for_a_status(scene: Scene) -> None:
    speaker = scene.stage.connect_speaker()
    scene.stage.create_session(speaker)
    assert scene.stage.send(speaker, "getSessionStatus")["type"] == "sessionStatus"


def asks_for_a_status_that_does_not_come(scene: Scene) -> None:
    speaker = scene.stage.connect_speaker()
    scene.stage.create_session(speaker)
    entry = scene.stage.entries["session_status"]
    scene.monkeypatch.setattr(entry.HURRIED_SESSIONS, "get", silent, raising=False)
    assert scene.stage.send(speaker, "getSessionStatus")["code"] == "STATUS_TIMEOUT"


def creates_a_session(scene: Scene) -> None:
    scene.stage.create_session(scene.stage.connect_speaker())


def mutes(scene: Scene) -> None:
    speaker = scene.stage.connect_speaker()
    scene.stage.create_session(speaker)
    assert scene.stage.send(speaker, "muteBroadcast")["type"] == "broadcastMuted"


def reconciles(scene: Scene) -> None:
    for _ in range(2):
        scene.stage.join(scene.stage.create_session(scene.stage.connect_speaker()))
    scene.stage.reconcile()


def finds_no_slot(scene: Scene) -> None:
    slots = scene.stage.entries["audio_ingest"].ENVIRONMENT.audio_slots
    for _ in range(slots + 1):
        speaker = scene.stage.connect_speaker()
        scene.stage.create_session(speaker)
        scene.stage.send_audio(speaker, 0, AUDIO)


def speaks_what_transcribe_refuses(scene: Scene) -> None:
    broadcast = Broadcast(scene.monkeypatch, scene.stage, Plan(PERMANENT, receiving=2))
    broadcast.says([word(number, 0.2) for number in range(1, 10)], chunk_seconds=0.2)
    broadcast.run()


def sends_a_transcript_to_nobody(scene: Scene) -> None:
    """There is no such function in this account."""
    scene.stage.entries["audio_processor"].PIPELINE.send(
        Transcript(
            session_id="quiet-river-123",
            sequence=1,
            source_language="en",
            text="hello",
            is_partial=False,
            spoken_at=0,
        )
    )


def signs_in_while_there_are_no_keys(scene: Scene) -> None:
    authorizer = importlib.import_module("authorizer")
    keys = PyJWKClient("http://127.0.0.1:9/", timeout=1)
    scene.monkeypatch.setattr(authorizer, "KEYS", keys)
    token = jwt.encode({}, "k" * 32, headers={"kid": "k1"})
    event = {
        "methodArn": "arn",
        "requestContext": {"connectionId": "a="},
        "multiValueQueryStringParameters": {"token": [token]},
    }
    policy = authorizer.handler(event, LambdaContext())
    assert policy["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def reads_what_cannot_be_translated(scene: Scene) -> None:
    with gathered(scene.stage, scene.monkeypatch) as audience:
        audience.join("fr")
        audience.service.answers["fr"] = lambda _: refused("AccessDeniedException")
        audience.say()


def mutes_for_one_who_cannot_be_reached(scene: Scene) -> None:
    speaker = scene.stage.connect_speaker()
    listener = scene.stage.join(scene.stage.create_session(speaker))
    scene.stage.sockets.failing.add(listener)
    scene.stage.send(speaker, "muteBroadcast")
    scene.stage.run_fan_outs()


def speaks_to_one_who_cannot_be_reached(scene: Scene) -> None:
    with gathered(scene.stage, scene.monkeypatch) as audience:
        scene.stage.sockets.failing.update(audience.join("fr"))
        audience.say()


def pushes_to_one_who_cannot_be_reached(scene: Scene) -> None:
    speaker = scene.stage.connect_speaker()
    scene.stage.create_session(speaker)
    scene.stage.sockets.failing.add(speaker)
    run_tick(scene.stage)


def pushes_out_of_time(scene: Scene) -> None:
    """Nothing is left of the function's five seconds."""
    scene.stage.create_session(scene.stage.connect_speaker())
    deliver(scene.stage, tick(age_seconds=-3600))
    for message in scene.stage.queued("status-shards"):
        record = {"Records": [{"body": json.dumps(message)}]}
        scene.stage.entries["session_status"].handler(record, LambdaContext(remaining_ms=0))


def hands_a_tick_out_to_a_queue_that_refuses(scene: Scene) -> None:
    queue = scene.stage.entries["session_status"].PERIODIC.shard_queue
    scene.monkeypatch.setattr(type(queue), "hand_out", lambda _, tick, shards: shards)
    ticks(scene)


def reconciles_what_cannot_be_read(scene: Scene) -> None:
    reconcile = scene.stage.entries["reconcile"]
    scene.monkeypatch.setattr(type(reconcile.SESSIONS), "active_in_shard", silent)
    scene.stage.reconcile()


# Each metric of ours that an alarm watches: what makes its function emit it, and in which unit.
SCENARIOS: Mapping[tuple[str, str], tuple[Scenario, str]] = {
    **{
        (call.entry, "InternalErrors"): (call.failing(broken, "INTERNAL_ERROR"), COUNT)
        for call in CALLS
    },
    **{
        (call.entry, "ServicesUnavailable"): (
            call.failing(unreachable, "SERVICE_UNAVAILABLE"),
            COUNT,
        )
        for call in CALLS
    },
    ("connection", "RateLimitsUnavailable"): (
        cannot_count_rates("connection", creates_a_session),
        COUNT,
    ),
    ("session_status", "RateLimitsUnavailable"): (
        cannot_count_rates("session_status", asks_for_a_status),
        COUNT,
    ),
    ("fan_out", "PostsFailed"): (mutes_for_one_who_cannot_be_reached, COUNT),
    ("translation", "PostsFailed"): (speaks_to_one_who_cannot_be_reached, COUNT),
    ("session_status", "StatusPushesFailed"): (pushes_to_one_who_cannot_be_reached, COUNT),
    ("session_status", "StatusPushesOutOfTime"): (pushes_out_of_time, COUNT),
    ("session_status", "ShardsRefused"): (hands_a_tick_out_to_a_queue_that_refuses, COUNT),
    ("reconcile", "SessionsNotReconciled"): (reconciles_what_cannot_be_read, COUNT),
    ("session_status", "Ticks"): (ticks, COUNT),
    ("session_status", "TickDelayMilliseconds"): (ticks, MILLISECONDS),
    ("session_status", "StatusQueryMilliseconds"): (asks_for_a_status, MILLISECONDS),
    ("authorizer", "KeysUnavailable"): (signs_in_while_there_are_no_keys, COUNT),
    ("connection", "SessionCreationMilliseconds"): (creates_a_session, MILLISECONDS),
    ("connection", "ControlAckMilliseconds"): (mutes, MILLISECONDS),
    ("audio_ingest", "AudioSlotsExhausted"): (finds_no_slot, COUNT),
    ("reconcile", "ActiveSessions"): (reconciles, COUNT),
    ("audio_processor", "TranscribeFailures"): (speaks_what_transcribe_refuses, COUNT),
    ("audio_processor", "TranscriptionsGivenUp"): (speaks_what_transcribe_refuses, COUNT),
    ("audio_processor", "TranscriptsFailed"): (sends_a_transcript_to_nobody, COUNT),
    ("translation", "TranslationsFailed"): (reads_what_cannot_be_translated, COUNT),
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return recorded(STACK, stack_config(STACK))


@contextmanager
def as_function(engine: Engine, entry: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Metrics as the function emits them: Powertools reads its environment when it is made."""
    (function,) = [
        each for each in engine.inputs("lambda/function") if each["handler"] == f"{entry}.handler"
    ]
    with monkeypatch.context() as patched:
        for name, value in function["environment"]["variables"].items():
            if name.startswith("POWERTOOLS_METRICS") or name == "POWERTOOLS_SERVICE_NAME":
                patched.setenv(name, value)
        patched.setattr(telemetry, "metrics", Metrics())
        yield


def emitted(printed: str, name: str) -> list[Emitted]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    found: list[Emitted] = []
    for line in printed.splitlines():
        fields = json.loads(line) if line.startswith("{") else {}
        for directive in fields.get(EMF, {}).get("CloudWatchMetrics", []):
            found += [
                Emitted(
                    namespace=directive["Namespace"],
                    dimensions={key: fields[key] for key in dimensions},
                    unit=metric["Unit"],
                    value=fields[name][0],
                )
                for metric in directive["Metrics"]
                if metric["Name"] == name
                for dimensions in directive["Dimensions"]
            ]
    return found


def own_alarms(engine: Engine) -> list[dict[str, Any]]:
    return [
        each
        for each in engine.inputs("cloudwatch/metricAlarm")
        if not each["namespace"].startswith("AWS/")
    ]


def test_each_of_our_metrics_with_an_alarm_is_tried_here(engine: Engine) -> None:
    watched = {(each["dimensions"]["service"], each["metricName"]) for each in own_alarms(engine)}
    assert watched == SCENARIOS.keys()


@pytest.mark.parametrize(("entry", "name"), SCENARIOS)
def test_an_alarm_watches_exactly_what_its_function_emits(
    engine: Engine,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    entry: str,
    name: str,
) -> None:
    act, unit = SCENARIOS[entry, name]
    with as_function(engine, entry, monkeypatch):
        capsys.readouterr()
        act(Scene(stage, monkeypatch))
        found = emitted(capsys.readouterr().out, name)
    assert found, f"{entry} did not emit {name}"
    (alarm,) = [
        each
        for each in own_alarms(engine)
        if each["metricName"] == name and each["dimensions"]["service"] == entry
    ]
    for each in found:
        assert (each.namespace, each.dimensions) == (alarm["namespace"], alarm["dimensions"])
        assert each.unit == unit
    if name != "StatusQueryMilliseconds":
        assert any(each.value > 0 for each in found) or unit == MILLISECONDS


def test_a_late_tick_says_how_late_it_is_also_when_it_is_dropped(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for act, least in ((ticks, 6_000), (ticks_far_too_late, 99_000)):
        capsys.readouterr()
        act(Scene(stage, pytest.MonkeyPatch()))
        (delay,) = emitted(capsys.readouterr().out, "TickDelayMilliseconds")
        assert delay.value >= least


def test_a_query_that_times_out_is_timed_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    asks_for_a_status_that_does_not_come(Scene(stage, monkeypatch))
    assert len(emitted(capsys.readouterr().out, "StatusQueryMilliseconds")) == 1


def test_an_answer_is_timed_from_when_api_gateway_took_the_message(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = stage.connect_speaker()
    body = json.dumps({"action": "createSession", "sourceLanguage": "en"})
    event = stage.event(speaker, "MESSAGE", "createSession", body)
    event["requestContext"]["requestTimeEpoch"] = stage.connected_at - 3_000
    capsys.readouterr()
    stage.entries["connection"].handler(event, LambdaContext())
    (creation,) = emitted(capsys.readouterr().out, "SessionCreationMilliseconds")
    assert creation.value >= 3_000


def test_a_clock_that_is_ahead_makes_no_negative_time(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(stage, tick(age_seconds=-60))
    (delay,) = emitted(capsys.readouterr().out, "TickDelayMilliseconds")
    assert delay.value == 0


def test_what_is_refused_is_not_timed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    speaker = stage.connect_speaker()
    assert stage.send(speaker, "createSession", sourceLanguage="xx")["type"] == "error"
    assert emitted(capsys.readouterr().out, "SessionCreationMilliseconds") == []


def test_a_service_that_fails_is_no_bug_of_ours(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = stage.connect_speaker()
    monkeypatch.setattr(type(stage.entries["connection"].SESSIONS), "create", silent)
    answer = stage.send(speaker, "createSession", sourceLanguage="en")
    assert answer["code"] == "SERVICE_UNAVAILABLE"
    printed = capsys.readouterr().out
    assert len(emitted(printed, "ServicesUnavailable")) == 1
    assert emitted(printed, "InternalErrors") == []
    assert len(emitted(printed, "SessionCreationMilliseconds")) == 1, "the speaker waited for it"


def test_how_many_there_are_is_told_also_when_there_are_none(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.reconcile()
    printed = capsys.readouterr().out
    levels = [emitted(printed, name)[0].value for name in ("ActiveSessions", "ActiveListeners")]
    assert levels == [0, 0]
    session_id = stage.create_session(stage.connect_speaker())
    for language in ("es", "fr"):
        stage.join(session_id, language)
    ended = stage.connect_speaker()
    stage.create_session(ended)
    stage.send(ended, "endSession")
    capsys.readouterr()
    stage.reconcile()
    printed = capsys.readouterr().out
    levels = [emitted(printed, name)[0].value for name in ("ActiveSessions", "ActiveListeners")]
    assert levels == [1, 2]


def test_where_a_shard_could_not_be_read_no_number_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(stage.entries["reconcile"].SESSIONS), "active_in_shard", silent)
    stage.reconcile()
    assert emitted(capsys.readouterr().out, "ActiveSessions") == []
