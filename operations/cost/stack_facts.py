"""The facts of a stack that affect its bill, from its config and from a run of the program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.cadence import SECONDS_PER_MINUTE
from components.settings import Settings
from contract.metrics import METRICS
from program.engine import Engine, recorded
from program.stack_config import committed_stacks, recorded_config


class NoSuchStack(ValueError):
    """The stack does not exist on AWS; the message lists the stacks that do."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function's memory and architecture."""

    gigabytes: float
    architecture: str


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """`functions` are by entry module; `ticks_per_minute` is 0 if the rule is disabled; counts are
    of resources, except `alarm_metrics`, the metrics that all alarms evaluate, and `own_metrics`,
    the custom metrics, each charged once per function that emits it:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """

    stack: str
    region: str
    functions: Mapping[str, Function]
    ticks_per_minute: float
    status_shards: int
    fed_queues: int
    takes_audio: bool
    audio_slots: int
    partial_captions: str
    maximum_listeners: int
    keeps_captions: bool
    access_logs: bool
    function_lines: bool
    log_retention_days: int
    point_in_time_recovery: bool
    tracing: bool
    alarm_metrics: int
    alarm_mails: bool
    dashboards: int
    keys: int
    own_metrics: int
    measured_routes: int
    own_user_pool: bool
    web_pages: bool
    snap_start: bool


def facts_of(stack: str) -> StackFacts:
    """The facts of a committed stack; raises `NoSuchStack`, and what the program raises."""
    on_aws = [each for each in committed_stacks() if each != "local"]
    if stack not in on_aws:
        raise NoSuchStack(
            f"--stack {stack}: there is no Pulumi.{stack}.yaml of a stack on AWS; the stacks are"
            f" {', '.join(on_aws)}"
        )
    config = recorded_config(stack)
    loaded: list[Settings] = []
    Engine().run(lambda: loaded.append(Settings.load()), stack=stack, config=config)
    return facts_from(loaded[0], recorded(stack, config))


def facts_from(settings: Settings, engine: Engine) -> StackFacts:
    """The facts of a stack with these settings, which the engine has recorded."""
    monitoring = settings.monitoring_rules
    routes = len(engine.of_type("apigatewayv2/route"))
    functions = {
        each["handler"].partition(".")[0]: Function(
            gigabytes=each["memorySize"] / 1_024, architecture=each["architectures"][0]
        )
        for each in engine.inputs("lambda/function")
    }
    return StackFacts(
        stack=settings.stack,
        region=settings.region,
        functions=functions,
        ticks_per_minute=SECONDS_PER_MINUTE / settings.status_interval_seconds
        if settings.periodic_status
        else 0,
        status_shards=settings.status_shards,
        fed_queues=len(engine.of_type("lambda/eventSourceMapping")),
        takes_audio="sendAudio" not in settings.removed_routes,
        audio_slots=settings.audio_rules.audio_slots,
        partial_captions=settings.audio_rules.partial_captions,
        maximum_listeners=settings.session_rules.max_listeners_per_session,
        keeps_captions=settings.caption_rules.keeps_captions and "translation" in functions,
        access_logs=settings.access_logs,
        function_lines=settings.log_level in ("DEBUG", "INFO"),
        log_retention_days=settings.log_retention_days,
        point_in_time_recovery=settings.point_in_time_recovery,
        tracing=monitoring.tracing,
        alarm_metrics=sum(map(_metrics, engine.inputs("cloudwatch/metricAlarm"))),
        alarm_mails=bool(monitoring.alarm_email),
        dashboards=_number(engine, "aws:cloudwatch/dashboard:Dashboard"),
        keys=_number(engine, "aws:kms/key:Key"),
        own_metrics=sum(len(functions.keys() & metric.emitted_by) for metric in METRICS),
        measured_routes=routes if monitoring.route_metrics else 0,
        own_user_pool=not (settings.existing_user_pool_id or settings.speaker_issuer),
        web_pages=settings.web_pages_rules.web_pages,
        snap_start=settings.snap_start,
    )


def _metrics(alarm: Mapping[str, Any]) -> int:
    """The number of metrics that an alarm reads, by which it is charged."""
    queries = alarm.get("metricQueries") or []
    return sum(1 for query in queries if query.get("metric")) or 1


def _number(engine: Engine, token: str) -> int:
    return sum(1 for each in engine.registered if each.typ == token)
