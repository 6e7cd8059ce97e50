"""Alarms of sessions: slow answers, and more of them than the stack is laid out for."""

import math

from components.alarms import Alarm, Breach
from components.cadence import SECONDS_PER_MINUTE
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import of_function, own
from components.monitoring.occurrence import FIVE_MINUTES_SECONDS, occurrence

# From when API Gateway took the message: a cold start is part of it.
CREATION_MILLISECONDS = 2_000
CONTROL_ACK_MILLISECONDS = 1_000
# What one shard of the status tick posts within its function's five seconds.
SESSIONS_PER_SHARD = 700
NEAR_SHARE = 0.8


def session_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Latency of session creation and controls; speakers who cannot be let in; active sessions and
    audio slots near the limit.
    """
    return [
        _slow(
            args,
            name="session-creation-slow",
            metric="SessionCreationMilliseconds",
            limit_milliseconds=CREATION_MILLISECONDS,
            meaning="Speakers wait to begin",
        ),
        _slow(
            args,
            name="control-acks-slow",
            metric="ControlAckMilliseconds",
            limit_milliseconds=CONTROL_ACK_MILLISECONDS,
            meaning="Speakers who pause, mute or set the volume wait for the answer",
        ),
        occurrence(
            name=f"{args.platform.prefix}-speaker-keys-unavailable",
            description="Speakers are refused: the user pool's keys cannot be fetched.",
            metric=own(args.platform, "authorizer", "KeysUnavailable"),
        ),
        _active_sessions(args),
        *_slots(args),
    ]


def _slow(
    args: MonitoringArgs, *, name: str, metric: str, limit_milliseconds: int, meaning: str
) -> Alarm:
    return Alarm(
        name=f"{args.platform.prefix}-{name}",
        description=f"{meaning}: one in twenty for more than {limit_milliseconds} ms.",
        metric=own(args.platform, "connection", metric),
        statistic="p95",
        breaches=Breach.ABOVE,
        threshold=limit_milliseconds,
        period_seconds=FIVE_MINUTES_SECONDS,
        periods=3,
        breaching_periods=2,
    )


def _active_sessions(args: MonitoringArgs) -> Alarm:
    limit = args.status_shards * SESSIONS_PER_SHARD
    return Alarm(
        name=f"{args.platform.prefix}-active-sessions-near-limit",
        description=f"{NEAR_SHARE:.0%} of the {limit} active sessions are reached that"
        f" {args.status_shards} shards tell their status in time.",
        # Reconcile counts them, every five minutes.
        metric=own(args.platform, "reconcile", "ActiveSessions"),
        statistic="Maximum",
        breaches=Breach.FROM,
        threshold=round(limit * NEAR_SHARE),
        period_seconds=FIVE_MINUTES_SECONDS,
    )


def _slots(args: MonitoringArgs) -> list[Alarm]:
    """None where so few slots are near their limit only when all are taken."""
    slots = len(args.slot_queue_names)
    near = math.ceil(slots * NEAR_SHARE)
    if near >= slots:
        return []
    processor = args.platform.function_name("audio_processor")
    alarm = Alarm(
        name=f"{args.platform.prefix}-audio-slots-near-limit",
        description=f"{near} sessions speak at once, of {slots} that may; one more than those is"
        " refused.",
        # One runs for each session that speaks.
        metric=of_function(processor, "ConcurrentExecutions"),
        statistic="Maximum",
        breaches=Breach.FROM,
        threshold=near,
        period_seconds=SECONDS_PER_MINUTE,
        periods=3,
        breaching_periods=2,
    )
    return [alarm]
