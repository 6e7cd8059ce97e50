"""Alarms on sessions: status pushes, waiting times, captions, and sessions near the limits."""

import math

from components.alarms import (
    FIVE_MINUTES_SECONDS,
    Alarm,
    Breach,
    Missing,
    event_alarm,
    function_metric,
    own_metric,
)
from components.cadence import SECONDS_PER_MINUTE
from components.monitoring.arguments import MonitoringArgs
from contract import metrics
from contract.functions import AUDIO_PROCESSOR, FAN_OUT, TRANSLATION, Function
from contract.metrics import Metric

# A tick is due to the second; a cold start and a busy queue may delay it.
LATE_AFTER_MILLISECONDS = 5_000
FAILED_PUSHES = 5
# From the arrival at API Gateway, so a cold start is included.
CREATION_MILLISECONDS = 2_000
CONTROL_ACK_MILLISECONDS = 1_000
# What one shard of a status tick can post within the five seconds of its function.
SESSIONS_PER_SHARD = 700
NEAR_SHARE = 0.8
# A failed stream is opened again; this many are not a transient problem.
TRANSCRIBE_FAILURES = 5
TRANSLATION_FAILURES = 5


def session_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Alarms on ticks only if there are any, and on translation only if the stack has its own."""
    return [
        _slow_queries(args),
        *(_tick_alarms(args) if args.is_periodic else []),
        *_speaker_alarms(args),
        *_caption_alarms(args),
        _event(
            args,
            "control-listeners-untried",
            metrics.LISTENERS_UNTRIED,
            "Listeners did not get a control: there was no time left to post it to them.",
            of=FAN_OUT,
        ),
        _active_sessions(args),
        *_slots(args),
    ]


def _slow_queries(args: MonitoringArgs) -> Alarm:
    limit_milliseconds = args.status_query_timeout_milliseconds
    return Alarm(
        name=f"{args.platform.prefix}-status-queries-slow",
        description="Speakers who query the status get STATUS_TIMEOUT: reading it takes more than"
        f" {limit_milliseconds} ms.",
        metric=own_metric(args.platform, metrics.STATUS_QUERY_MILLISECONDS),
        statistic="Maximum",
        breaches=Breach.ABOVE,
        threshold=limit_milliseconds,
        period_seconds=SECONDS_PER_MINUTE,
        periods=5,
        breaching_periods=2,
    )


def _tick_alarms(args: MonitoringArgs) -> list[Alarm]:
    no_status = "Some speakers get no periodic status"
    return [
        _missed_ticks(args),
        _late_ticks(args),
        _event(
            args,
            "status-shards-refused",
            metrics.SHARDS_REFUSED,
            f"{no_status}: SQS did not accept shards of a tick.",
        ),
        _event(
            args,
            "status-pushes-failed",
            metrics.STATUS_PUSHES_FAILED,
            f"{no_status}: {FAILED_PUSHES} posts of it failed in five minutes.",
            times=FAILED_PUSHES,
        ),
        _event(
            args,
            "status-pushes-out-of-time",
            metrics.STATUS_PUSHES_OUT_OF_TIME,
            f"{no_status}: its function ran out of time, with too few shards or slow posts.",
        ),
    ]


def _missed_ticks(args: MonitoringArgs) -> Alarm:
    """A tick at the turn of a minute may be counted in the next one, so the alarm waits for two
    breaching periods in a row.
    """
    period_seconds = max(SECONDS_PER_MINUTE, args.status_interval_seconds)
    due = period_seconds // args.status_interval_seconds
    return Alarm(
        name=f"{args.platform.prefix}-status-ticks-missed",
        description=f"Speakers get no periodic status: fewer than {due} ticks in {period_seconds}"
        " s, twice in a row.",
        metric=own_metric(args.platform, metrics.TICKS),
        statistic="Sum",
        breaches=Breach.BELOW,
        threshold=due,
        period_seconds=period_seconds,
        periods=2,
        breaching_periods=2,
        missing=Missing.BREACHING,
    )


def _late_ticks(args: MonitoringArgs) -> Alarm:
    return Alarm(
        name=f"{args.platform.prefix}-status-ticks-late",
        description="Speakers get the periodic status late: ticks are delayed by more than"
        f" {LATE_AFTER_MILLISECONDS // 1_000} s, or so long that they are dropped.",
        metric=own_metric(args.platform, metrics.TICK_DELAY_MILLISECONDS),
        statistic="Maximum",
        breaches=Breach.ABOVE,
        threshold=LATE_AFTER_MILLISECONDS,
        period_seconds=max(SECONDS_PER_MINUTE, args.status_interval_seconds),
        periods=5,
        breaching_periods=2,
    )


def _speaker_alarms(args: MonitoringArgs) -> list[Alarm]:
    def slow(name: str, metric: Metric, limit_milliseconds: int, speakers: str) -> Alarm:
        return Alarm(
            name=f"{args.platform.prefix}-{name}",
            description=f"Speakers who {speakers} wait: 5% of the replies take more than"
            f" {limit_milliseconds} ms.",
            metric=own_metric(args.platform, metric),
            statistic="p95",
            breaches=Breach.ABOVE,
            threshold=limit_milliseconds,
            period_seconds=FIVE_MINUTES_SECONDS,
            periods=3,
            breaching_periods=2,
        )

    return [
        slow(
            "session-creation-slow",
            metrics.SESSION_CREATION_MILLISECONDS,
            CREATION_MILLISECONDS,
            "create a session",
        ),
        slow(
            "control-acks-slow",
            metrics.CONTROL_ACK_MILLISECONDS,
            CONTROL_ACK_MILLISECONDS,
            "pause, mute or set the volume",
        ),
        _event(
            args,
            "speaker-keys-unavailable",
            metrics.KEYS_UNAVAILABLE,
            "Speakers cannot connect: the user pool's signing keys cannot be fetched.",
        ),
        _event(
            args,
            "audio-slots-exhausted",
            metrics.AUDIO_SLOTS_EXHAUSTED,
            "A speaker gets SERVICE_UNAVAILABLE: all audio slots are in use.",
        ),
    ]


def _caption_alarms(args: MonitoringArgs) -> list[Alarm]:
    alarms = [
        _event(
            args,
            "transcribe-failures",
            metrics.TRANSCRIBE_FAILURES,
            f"Captions are interrupted: Transcribe streams failed {TRANSCRIBE_FAILURES} times in"
            " five minutes.",
            times=TRANSCRIBE_FAILURES,
        ),
        _event(
            args,
            "transcriptions-given-up",
            metrics.TRANSCRIPTIONS_GIVEN_UP,
            "A session has no captions for now: its Transcribe stream failed repeatedly.",
        ),
        _event(
            args,
            "transcripts-failed",
            metrics.TRANSCRIPTS_FAILED,
            "Captions are missing: the translation function failed to process transcripts.",
        ),
    ]
    if args.has(TRANSLATION):
        alarms.append(
            _event(
                args,
                "caption-listeners-untried",
                metrics.LISTENERS_UNTRIED,
                "Listeners did not get a caption: there was no time left to post it to them.",
                of=TRANSLATION,
            )
        )
        alarms.append(
            _event(
                args,
                "translations-failed",
                metrics.TRANSLATIONS_FAILED,
                f"{TRANSLATION_FAILURES} captions in five minutes were posted untranslated.",
                times=TRANSLATION_FAILURES,
            )
        )
        alarms.append(
            _event(
                args,
                "captions-not-kept",
                metrics.CAPTIONS_NOT_KEPT,
                "Listeners who were away miss captions: captions were posted, but could not be"
                " written to the history.",
            )
        )
    return alarms


def _active_sessions(args: MonitoringArgs) -> Alarm:
    limit = args.status_shards * SESSIONS_PER_SHARD
    return Alarm(
        name=f"{args.platform.prefix}-active-sessions-near-limit",
        description=f"{NEAR_SHARE:.0%} of {limit} sessions are active: above {limit},"
        f" {args.status_shards} shards cannot push the status to all speakers in time.",
        # Reconcile emits it every two minutes.
        metric=own_metric(args.platform, metrics.ACTIVE_SESSIONS),
        statistic="Maximum",
        breaches=Breach.AT_OR_ABOVE,
        threshold=round(limit * NEAR_SHARE),
        period_seconds=FIVE_MINUTES_SECONDS,
    )


def _slots(args: MonitoringArgs) -> list[Alarm]:
    """No alarm where 80% of the slots, rounded up, are all of them."""
    slots = len(args.slot_queue_names)
    near = math.ceil(slots * NEAR_SHARE)
    if near >= slots:
        return []
    alarm = Alarm(
        name=f"{args.platform.prefix}-audio-slots-near-limit",
        description=f"{near} of {slots} audio slots are in use: when all are, further speakers get"
        " SERVICE_UNAVAILABLE.",
        # One processor runs for each session that speaks.
        metric=function_metric(
            args.platform.function_name(AUDIO_PROCESSOR), "ConcurrentExecutions"
        ),
        statistic="Maximum",
        breaches=Breach.AT_OR_ABOVE,
        threshold=near,
        period_seconds=SECONDS_PER_MINUTE,
        periods=3,
        breaching_periods=2,
    )
    return [alarm]


def _event(
    args: MonitoringArgs,
    name: str,
    metric: Metric,
    description: str,
    times: int = 1,
    of: Function | None = None,
) -> Alarm:
    """`of` is the function that emits the metric, where several do."""
    return event_alarm(
        name=f"{args.platform.prefix}-{name}",
        description=description,
        metric=own_metric(args.platform, metric, of.entry if of else ""),
        times=times,
    )
