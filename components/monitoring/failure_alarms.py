"""Alarms of what failed: functions, messages that nobody could work off, and speech."""

from components.alarms import Alarm, Breach, Metric
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import of_function, of_queue, own

MINUTE_SECONDS = 60
FIVE_MINUTES_SECONDS = 300
# The functions that answer messages: what is unexpected there is answered, and so no error of
# Lambda's.
ANSWERING = ("connection", "heartbeat", "refresh", "session_status", "audio_ingest")
# A stream that fails is opened anew; so many are more than passing.
TRANSCRIBE_FAILURES = 5
TRANSLATION_FAILURES = 5


def function_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Errors and throttles of each function, and errors that clients were told of."""
    alarms: list[Alarm] = []
    for function in args.functions:
        for metric, meaning in (
            ("Errors", "failed: an exception that nobody caught, or out of time"),
            ("Throttles", "was not let run: too many at once for the account or its reservation"),
        ):
            alarms.append(
                _any(
                    name=f"{function.physical_name}-{metric.lower()}",
                    description=f"Function {function.entry} {meaning}.",
                    metric=of_function(function.physical_name, metric),
                )
            )
    alarms += [
        _any(
            name=f"{args.platform.function_name(entry)}-internal-errors",
            description=f"Function {entry} answered INTERNAL_ERROR: a bug; its log has why.",
            metric=own(args.platform, entry, "InternalErrors"),
        )
        for entry in ANSWERING
    ]
    return alarms


def queue_alarms(args: MonitoringArgs) -> list[Alarm]:
    """One for each queue of failures that is not empty."""
    return [
        _any(
            name=f"{queue.physical_name}-not-empty",
            description=f"{name}: a message failed for good and is kept for 14 days.",
            metric=of_queue(queue.physical_name, "ApproximateNumberOfMessagesVisible"),
            statistic="Maximum",
        )
        for name, queue in args.failure_queues.items()
    ]


def speech_alarms(args: MonitoringArgs) -> list[Alarm]:
    """Transcribe and translation that fail, and speakers for whom there was no slot."""
    prefix, platform = args.platform.prefix, args.platform
    alarms = [
        _any(
            name=f"{prefix}-transcribe-failures",
            description=f"Transcribe streams failed {TRANSCRIBE_FAILURES} times in five minutes.",
            metric=own(platform, "audio_processor", "TranscribeFailures"),
            at_least=TRANSCRIBE_FAILURES,
            period_seconds=FIVE_MINUTES_SECONDS,
        ),
        _any(
            name=f"{prefix}-transcriptions-given-up",
            description="A session has no captions for now: its Transcribe stream kept failing.",
            metric=own(platform, "audio_processor", "TranscriptionsGivenUp"),
        ),
        _any(
            name=f"{prefix}-transcripts-failed",
            description="The translation function did not take transcripts: captions are missing.",
            metric=own(platform, "audio_processor", "TranscriptsFailed"),
        ),
        _any(
            name=f"{prefix}-audio-slots-exhausted",
            description="A speaker was refused: all audio slots are taken.",
            metric=own(platform, "audio_ingest", "AudioSlotsExhausted"),
        ),
    ]
    if args.runs("translation"):
        alarms.append(
            _any(
                name=f"{prefix}-translations-failed",
                description=f"{TRANSLATION_FAILURES} captions in five minutes went out"
                " untranslated.",
                metric=own(platform, "translation", "TranslationsFailed"),
                at_least=TRANSLATION_FAILURES,
                period_seconds=FIVE_MINUTES_SECONDS,
            )
        )
    return alarms


def _any(
    *,
    name: str,
    description: str,
    metric: Metric,
    statistic: str = "Sum",
    at_least: int = 1,
    period_seconds: int = MINUTE_SECONDS,
) -> Alarm:
    return Alarm(
        name=name,
        description=description,
        metric=metric,
        statistic=statistic,
        breaches=Breach.FROM,
        threshold=at_least,
        period_seconds=period_seconds,
    )
