"""Alarms of the status: ticks that do not come, come late, or queries that take too long."""

from components.alarms import Alarm, Breach, Missing
from components.cadence import SECONDS_PER_MINUTE
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import own
from components.monitoring.occurrence import occurrence

ENTRY = "session_status"
# Ticks are held to a second; a cold start and a busy queue may add some.
LATE_AFTER_MILLISECONDS = 5_000
FAILED_PUSHES = 5


def status_alarms(args: MonitoringArgs) -> list[Alarm]:
    """None about ticks where there are to be none."""
    slow = Alarm(
        name=f"{args.platform.prefix}-status-queries-slow",
        description="Reading a session's status takes longer than"
        f" {args.status_query_timeout_milliseconds} ms: speakers who ask get STATUS_TIMEOUT.",
        metric=own(args.platform, ENTRY, "StatusQueryMilliseconds"),
        statistic="Maximum",
        breaches=Breach.ABOVE,
        threshold=args.status_query_timeout_milliseconds,
        period_seconds=SECONDS_PER_MINUTE,
        periods=5,
        breaching_periods=2,
    )
    if not args.is_periodic:
        return [slow]
    return [_missed(args), _late(args), *_pushes(args), slow]


def _missed(args: MonitoringArgs) -> Alarm:
    """A tick near the turn of a minute may be counted in the next one, which then has one more: two
    minutes in a row have to lack.
    """
    period_seconds = max(SECONDS_PER_MINUTE, args.status_interval_seconds)
    due = period_seconds // args.status_interval_seconds
    return Alarm(
        name=f"{args.platform.prefix}-status-ticks-missed",
        description=f"Fewer than {due} status ticks in {period_seconds} s, twice in a row:"
        " speakers are not told who listens.",
        metric=own(args.platform, ENTRY, "Ticks"),
        statistic="Sum",
        breaches=Breach.BELOW,
        threshold=due,
        period_seconds=period_seconds,
        periods=2,
        breaching_periods=2,
        missing=Missing.BAD,
    )


def _late(args: MonitoringArgs) -> Alarm:
    return Alarm(
        name=f"{args.platform.prefix}-status-ticks-late",
        description=f"Status ticks come more than {LATE_AFTER_MILLISECONDS // 1_000} s late, or so"
        " late that they are dropped.",
        metric=own(args.platform, ENTRY, "TickDelayMilliseconds"),
        statistic="Maximum",
        breaches=Breach.ABOVE,
        threshold=LATE_AFTER_MILLISECONDS,
        period_seconds=max(SECONDS_PER_MINUTE, args.status_interval_seconds),
        periods=5,
        breaching_periods=2,
    )


def _pushes(args: MonitoringArgs) -> list[Alarm]:
    """A tick counts when it begins, whatever becomes of what it hands out."""
    meanings = {
        "ShardsRefused": ("status-shards-refused", 1, "Parts of a status tick were not queued"),
        "StatusPushesFailed": (
            "status-pushes-failed",
            FAILED_PUSHES,
            f"{FAILED_PUSHES} posts of the periodic status failed in five minutes",
        ),
        "StatusPushesOutOfTime": (
            "status-pushes-out-of-time",
            1,
            "There are too few shards, or posts too slow, to tell all speakers in time",
        ),
    }
    return [
        occurrence(
            name=f"{args.platform.prefix}-{name}",
            description=f"{meaning}: speakers are not told who listens.",
            metric=own(args.platform, ENTRY, metric),
            times=times,
        )
        for metric, (name, times, meaning) in meanings.items()
    ]
