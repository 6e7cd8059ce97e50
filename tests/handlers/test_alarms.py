"""Each metric that an alarm watches is emitted by the alarm's function, with its unit.

The alarms and the functions' environments are those of the program; the handlers run on a stage of
the tests.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from aws_lambda_powertools import Metrics

from contract import metrics
from contract.functions import AuthorizerEnvironment
from contract.metrics import Kind, Metric
from live_sessions.aws import runtime
from live_sessions.aws.runtime import SYSTEM_CLOCK, read_environment
from live_sessions.captions.captioning import Captioning, CaptionLimits
from live_sessions.speakers.signing_keys import fetch_json
from program.engine import Engine
from tests.contracts.program_runs import LEAN, run
from tests.handlers.conftest import LambdaContext, Stage
from tests.handlers.intercepted_clients import (
    TIMED_OUT,
    UNREACHABLE,
    Call,
    fail_with,
    intercepted,
    refusal,
)
from tests.handlers.test_reconcile import reconcile
from tests.handlers.test_session_status import deliver, run_tick, tick
from tests.issuer import handmade

STACK = "staging"
EMF = "_aws"
MINUTE_START_MS = 1_795_000_020_000
AUDIO = b"\x01\x00" * 1_600
BUG = RuntimeError("a bug")
TRANSCRIPT = {
    "sessionId": "quiet-river-123",
    "sequence": 1,
    "sourceLanguage": "en",
    "text": "hello",
    "isPartial": False,
    "spokenAt": 0,
}


@dataclass(frozen=True)
class Emitted:
    """One value of a metric as CloudWatch reads it from a log line."""

    namespace: str
    dimensions: Mapping[str, str]
    unit: str
    value: float


Scenario = Callable[[Stage], None]
"""Makes a function emit a metric."""


@dataclass(frozen=True)
class Message:
    """A message, and an operation that its function calls to answer it."""

    action: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    operation: str = "get_item"

    def failing(self, failure: Exception, code: str) -> Scenario:
        """The message while the operation fails; its sender is sent the code."""

        def act(stage: Stage) -> None:
            clients = intercepted(stage)
            speaker = stage.connect_speaker()
            if self.action != "createSession":
                stage.create_session(speaker)
            with clients.intercept(self.operation, fail_with(failure)):
                if self.action == "sendAudio":
                    stage.send_audio(speaker, 0, AUDIO)
                    (answer,) = stage.sockets.frames_of(speaker, "error")
                else:
                    answer = stage.send(speaker, self.action, **self.fields)
            assert answer["code"] == code

        return act


MESSAGES: Mapping[str, Message] = {
    "connection": Message("createSession", {"sourceLanguage": "en"}),
    "heartbeat": Message("heartbeat", operation="dynamodb"),
    "refresh": Message("refreshConnection", {"sessionId": "quiet-river-123"}),
    "session_status": Message("getSessionStatus"),
    "audio_ingest": Message("sendAudio"),
}
"""By the function that answers it."""


def ticks(stage: Stage) -> None:
    deliver(stage, tick(stage, age_seconds=7))


def ticks_too_late(stage: Stage) -> None:
    deliver(stage, tick(stage, age_seconds=100))


def queries_the_status(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    assert stage.send(speaker, "getSessionStatus")["type"] == "sessionStatus"


def queries_a_status_that_times_out(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    with clients.intercept("get_item", fail_with(TIMED_OUT), TableName="sessions"):
        assert stage.send(speaker, "getSessionStatus")["code"] == "STATUS_TIMEOUT"


def creates_a_session(stage: Stage) -> None:
    stage.create_session(stage.connect_speaker())


def without_rate_limits(act: Scenario) -> Scenario:
    def while_the_table_fails(stage: Stage) -> None:
        clients = intercepted(stage)
        with clients.intercept("update_item", fail_with(UNREACHABLE), TableName="rate-limits"):
            act(stage)

    return while_the_table_fails


def mutes(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    assert stage.send(speaker, "muteBroadcast")["type"] == "broadcastMuted"


def reconciles(stage: Stage) -> None:
    stage.join(stage.create_session(stage.connect_speaker()))
    reconcile(stage)


def reconciles_without_the_index(stage: Stage) -> None:
    clients = intercepted(stage)
    with clients.intercept("query", fail_with(TIMED_OUT), TableName="sessions"):
        reconcile(stage)


def sends_audio_without_a_free_slot(stage: Stage) -> None:
    stage.environment["AUDIO_SLOTS"] = "1"
    for _ in range(2):
        speaker = stage.connect_speaker()
        stage.create_session(speaker)
        stage.send_audio(speaker, 0, AUDIO)


def audio_processor(stage: Stage) -> Any:
    """The processor, while Transcribe refuses every stream permanently."""
    from live_sessions.audio.transcribe import TranscribeFailure

    def refuse(language_code: str, sample_rate_hertz: int, *, stability: str | None) -> NoReturn:
        raise TranscribeFailure.permanent("AccessDeniedException")

    built: Any = stage.entries["audio_processor"]
    return dataclasses.replace(built, open_stream=refuse)


@dataclass
class ShortInvocation(LambdaContext):
    """Has time for one look at the queue."""

    left_ms: Iterator[int] = field(
        default_factory=lambda: itertools.chain([900_000] * 2, itertools.repeat(0))
    )

    def get_remaining_time_in_millis(self) -> int:
        return next(self.left_ms)


def sends_audio_that_transcribe_refuses(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    stage.send_audio(speaker, 0, AUDIO)
    (start,) = stage.processor_starts
    audio_processor(stage)(start, ShortInvocation())


def sends_a_transcript_to_no_function(stage: Stage) -> None:
    from live_sessions.captions.transcripts import read_transcript

    clients = intercepted(stage)
    with clients.intercept("invoke", fail_with(refusal("ResourceNotFoundException", 404))):
        audio_processor(stage).pipeline.send(read_transcript(TRANSCRIPT))


def captions_for(stage: Stage, language: str) -> str:
    """One listener of that language; returns the listener's connection."""
    session_id = stage.create_session(stage.connect_speaker())
    listener = stage.join(session_id, language)
    stage.sockets.failing.add(listener)
    stage.entries["translation"]({**TRANSCRIPT, "sessionId": session_id}, LambdaContext())
    return listener


def captions_that_cannot_be_translated(stage: Stage) -> None:
    clients = intercepted(stage)
    with clients.intercept("translate_text", fail_with(refusal("AccessDeniedException"))):
        captions_for(stage, "fr")


def captions_that_cannot_be_posted(stage: Stage) -> None:
    captions_for(stage, "en")


def captions_without_time_left(stage: Stage) -> None:
    captioning = stage.entries["translation"]
    assert isinstance(captioning, Captioning)
    stage.entries["translation"] = dataclasses.replace(captioning, limits=CaptionLimits(posting=0))
    captions_for(stage, "en")


def captions_that_cannot_be_kept(stage: Stage) -> None:
    clients = intercepted(stage)
    with clients.intercept("batch_write_item", fail_with(UNREACHABLE)):
        captions_for(stage, "en")


def signs_in_without_keys(_: Stage) -> None:
    authorize = importlib.import_module("authorizer").build(
        read_environment(AuthorizerEnvironment), SYSTEM_CLOCK, fetch_json
    )
    token = handmade('{"alg": "RS256", "kid": "k1"}')
    event = {
        "methodArn": "arn",
        "requestContext": {"connectionId": "a="},
        "multiValueQueryStringParameters": {"token": [token]},
    }
    policy = authorize(event, LambdaContext())
    assert policy["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def mutes_for_a_listener_whose_posts_fail(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    listener = stage.join(stage.create_session(speaker))
    stage.sockets.failing.add(listener)
    stage.send(speaker, "muteBroadcast")
    stage.run_fan_outs()


def mutes_without_time_left_for_the_listeners(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.join(stage.create_session(speaker))
    stage.send(speaker, "muteBroadcast")
    stage.entries["fan_out"](stage.fan_outs.pop(), LambdaContext(remaining_ms=0))


def pushes_to_a_speaker_whose_posts_fail(stage: Stage) -> None:
    speaker = stage.connect_speaker()
    stage.create_session(speaker)
    stage.sockets.failing.add(speaker)
    run_tick(stage)


def pushes_without_time_left(stage: Stage) -> None:
    stage.create_session(stage.connect_speaker())
    deliver(stage, tick(stage))
    for message in stage.queued("status-shards"):
        record = {"Records": [{"body": json.dumps(message)}]}
        stage.entries["session_status"](record, LambdaContext(remaining_ms=0))


def ticks_with_a_queue_that_refuses(stage: Stage) -> None:
    def refuse(call: Call) -> dict[str, Any]:
        return {"Failed": call.request["Entries"]}

    clients = intercepted(stage)
    with clients.intercept("send_message_batch", refuse):
        ticks(stage)


def guesses(act: Callable[[Stage, str], str]) -> Scenario:
    """So many times that the last guess is refused."""

    def scenario(stage: Stage) -> None:
        limit = 2
        stage.environment["PASSCODE_MISSES_PER_SESSION_PER_MINUTE"] = str(limit)
        stage.clock = dataclasses.replace(stage.clock, now_ms=lambda: MINUTE_START_MS)
        created = stage.send(
            stage.connect_speaker(), "createSession", sourceLanguage="en", access="passcode"
        )
        answers = [act(stage, created["sessionId"]) for _ in range(limit + 1)]
        assert answers[-1] == "RATE_LIMITED"

    return scenario


def joins_without_the_passcode(stage: Stage, session_id: str) -> str:
    fields = {"sessionId": session_id, "targetLanguage": "es"}
    return stage.send(stage.connect_listener(), "joinSession", **fields)["code"]


def refreshes_an_unknown_connection(stage: Stage, session_id: str) -> str:
    fields = {"sessionId": session_id, "targetLanguage": "es", "connectionId": "L1="}
    return stage.send(stage.connect_listener(), "refreshConnection", **fields)["code"]


def refreshes(stage: Stage) -> None:
    session_id = stage.create_session(stage.connect_speaker())
    stage.send(stage.connect_speaker(), "refreshConnection", sessionId=session_id)


RATE_LIMITED_ACTS = {
    "refresh": without_rate_limits(refreshes),
    "connection": without_rate_limits(creates_a_session),
    "session_status": without_rate_limits(queries_the_status),
}
FAILING_POSTS = {
    "fan_out": mutes_for_a_listener_whose_posts_fail,
    "translation": captions_that_cannot_be_posted,
}
SCENARIOS: Mapping[Metric, Mapping[str, Scenario]] = {
    metrics.INTERNAL_ERRORS: {
        entry: MESSAGES[entry].failing(BUG, "INTERNAL_ERROR")
        for entry in metrics.INTERNAL_ERRORS.emitted_by
    },
    metrics.SERVICES_UNAVAILABLE: {
        entry: MESSAGES[entry].failing(UNREACHABLE, "SERVICE_UNAVAILABLE")
        for entry in metrics.SERVICES_UNAVAILABLE.emitted_by
    },
    metrics.RATE_LIMITS_UNAVAILABLE: RATE_LIMITED_ACTS,
    metrics.PASSCODE_TRIES_REFUSED: {
        "connection": guesses(joins_without_the_passcode),
        "refresh": guesses(refreshes_an_unknown_connection),
    },
    metrics.POSTS_FAILED: FAILING_POSTS,
    metrics.LISTENERS_UNTRIED: {
        "fan_out": mutes_without_time_left_for_the_listeners,
        "translation": captions_without_time_left,
    },
    metrics.STATUS_PUSHES_FAILED: {"session_status": pushes_to_a_speaker_whose_posts_fail},
    metrics.STATUS_PUSHES_OUT_OF_TIME: {"session_status": pushes_without_time_left},
    metrics.SHARDS_REFUSED: {"session_status": ticks_with_a_queue_that_refuses},
    metrics.SESSIONS_NOT_RECONCILED: {"reconcile": reconciles_without_the_index},
    metrics.TICKS: {"session_status": ticks},
    metrics.TICK_DELAY_MILLISECONDS: {"session_status": ticks},
    metrics.STATUS_QUERY_MILLISECONDS: {"session_status": queries_the_status},
    metrics.KEYS_UNAVAILABLE: {"authorizer": signs_in_without_keys},
    metrics.SESSION_CREATION_MILLISECONDS: {"connection": creates_a_session},
    metrics.CONTROL_ACK_MILLISECONDS: {"connection": mutes},
    metrics.AUDIO_SLOTS_EXHAUSTED: {"audio_ingest": sends_audio_without_a_free_slot},
    metrics.ACTIVE_SESSIONS: {"reconcile": reconciles},
    metrics.TRANSCRIBE_FAILURES: {"audio_processor": sends_audio_that_transcribe_refuses},
    metrics.TRANSCRIPTIONS_GIVEN_UP: {"audio_processor": sends_audio_that_transcribe_refuses},
    metrics.TRANSCRIPTS_FAILED: {"audio_processor": sends_a_transcript_to_no_function},
    metrics.TRANSLATIONS_FAILED: {"translation": captions_that_cannot_be_translated},
    metrics.CAPTIONS_NOT_KEPT: {"translation": captions_that_cannot_be_kept},
}
"""For each metric that an alarm watches, what makes each of its functions emit it."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return run(STACK, {**LEAN, "alarms": True}).engine


@contextmanager
def as_function(engine: Engine, entry: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Metrics as the function emits them: Powertools reads its environment when it is created."""
    (function,) = [
        each for each in engine.inputs("lambda/function") if each["handler"] == f"{entry}.handler"
    ]
    with monkeypatch.context() as patched:
        for name, value in function["environment"]["variables"].items():
            if name.startswith("POWERTOOLS_METRICS") or name == "POWERTOOLS_SERVICE_NAME":
                patched.setenv(name, value)
        deployed = Metrics()
    ours = runtime.metrics
    before = ours.namespace, ours.service
    ours.namespace, ours.service = deployed.namespace, deployed.service
    try:
        yield
    finally:
        ours.namespace, ours.service = before


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


def test_each_alarm_watches_a_function_that_emits_its_metric(engine: Engine) -> None:
    by_name = {each.name: each for each in vars(metrics).values() if isinstance(each, Metric)}
    watched: dict[Metric, set[str]] = {}
    for alarm in own_alarms(engine):
        watched.setdefault(by_name[alarm["metricName"]], set()).add(alarm["dimensions"]["service"])
    assert watched == {metric: set(scenarios) for metric, scenarios in SCENARIOS.items()}
    for metric, functions in watched.items():
        assert functions <= set(metric.emitted_by), metric


@pytest.mark.parametrize(
    ("entry", "metric"),
    [
        pytest.param(entry, metric, id=f"{entry}-{metric.name}")
        for metric, scenarios in SCENARIOS.items()
        for entry in scenarios
    ],
)
def test_a_function_emits_the_metric_that_its_alarm_watches(
    engine: Engine,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    entry: str,
    metric: Metric,
) -> None:
    with as_function(engine, entry, monkeypatch):
        capsys.readouterr()
        SCENARIOS[metric][entry](stage)
        found = emitted(capsys.readouterr().out, metric.name)
    assert found, f"{entry} did not emit {metric.name}"
    (alarm,) = [
        each
        for each in own_alarms(engine)
        if each["metricName"] == metric.name and each["dimensions"]["service"] == entry
    ]
    for each in found:
        assert (each.namespace, each.dimensions) == (alarm["namespace"], alarm["dimensions"])
        assert each.unit == metric.unit
    assert metric.kind is Kind.DURATION or any(each.value > 0 for each in found)


def test_the_delay_of_a_late_tick_is_emitted_also_if_it_is_dropped(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for act, least_ms in ((ticks, 6_000), (ticks_too_late, 99_000)):
        capsys.readouterr()
        act(stage)
        (delay,) = emitted(capsys.readouterr().out, "TickDelayMilliseconds")
        assert delay.value >= least_ms


def test_a_query_that_times_out_is_timed_too(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    queries_a_status_that_times_out(stage)
    assert len(emitted(capsys.readouterr().out, "StatusQueryMilliseconds")) == 1


def test_a_reply_is_timed_from_the_messages_arrival_at_api_gateway(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = stage.connect_speaker()
    body = json.dumps({"action": "createSession", "sourceLanguage": "en"})
    event = stage.event(speaker, "MESSAGE", "createSession", body)
    event["requestContext"]["requestTimeEpoch"] = stage.connected_at - 3_000
    capsys.readouterr()
    stage.entries["connection"](event, LambdaContext())
    (creation,) = emitted(capsys.readouterr().out, "SessionCreationMilliseconds")
    assert creation.value >= 3_000


def test_a_negative_duration_from_clock_skew_is_clamped_to_0(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(stage, tick(stage, age_seconds=-60))
    (delay,) = emitted(capsys.readouterr().out, "TickDelayMilliseconds")
    assert delay.value == 0


def test_a_refusal_is_not_timed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    speaker = stage.connect_speaker()
    assert stage.send(speaker, "createSession", sourceLanguage="xx")["type"] == "error"
    assert emitted(capsys.readouterr().out, "SessionCreationMilliseconds") == []


def test_a_failed_service_is_not_counted_as_an_error_of_ours_and_is_timed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = intercepted(stage)
    speaker = stage.connect_speaker()
    with clients.intercept("put_item", fail_with(TIMED_OUT), TableName="sessions"):
        answer = stage.send(speaker, "createSession", sourceLanguage="en")
    assert answer["code"] == "SERVICE_UNAVAILABLE"
    printed = capsys.readouterr().out
    assert len(emitted(printed, "ServicesUnavailable")) == 1
    assert emitted(printed, "InternalErrors") == []
    assert len(emitted(printed, "SessionCreationMilliseconds")) == 1


def active(printed: str) -> list[list[float]]:
    return [
        [each.value for each in emitted(printed, name)]
        for name in ("ActiveSessions", "ActiveListeners")
    ]


def test_the_numbers_of_sessions_and_listeners_are_emitted_also_if_they_are_0(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    reconcile(stage)
    assert active(capsys.readouterr().out) == [[0], [0]]
    session_id = stage.create_session(stage.connect_speaker())
    for language in ("es", "fr"):
        stage.join(session_id, language)
    ended = stage.connect_speaker()
    stage.create_session(ended)
    stage.send(ended, "endSession")
    capsys.readouterr()
    reconcile(stage)
    assert active(capsys.readouterr().out) == [[1], [2]]


def test_no_number_is_emitted_if_a_shard_could_not_be_read(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    reconciles_without_the_index(stage)
    assert active(capsys.readouterr().out) == [[], []]
