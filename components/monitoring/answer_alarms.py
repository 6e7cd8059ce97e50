"""Alarms of what clients meet: answers that are errors, posts that do not arrive."""

from components.alarms import Alarm
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import of_stage, own
from components.monitoring.occurrence import occurrence

# Whatever goes wrong there is answered, and so no error of Lambda's.
ANSWERING = ("connection", "heartbeat", "refresh", "session_status", "audio_ingest")
COUNTING_RATES = ("connection", "session_status")
POSTING = ("fan_out", "translation")
UNAVAILABLE = 5
FAILED_POSTS = 20
EXECUTION_ERRORS = 5
# A handshake past its address's rate is one too.
INTEGRATION_ERRORS = 50


def answer_alarms(args: MonitoringArgs) -> list[Alarm]:
    """By function, and for the API as a whole."""
    return [
        *(_internal_errors(args, entry) for entry in ANSWERING),
        *(_services_unavailable(args, entry) for entry in ANSWERING),
        *(_rates_not_counted(args, entry) for entry in COUNTING_RATES),
        *(_posts_failed(args, entry) for entry in POSTING if args.runs(entry)),
        occurrence(
            name=f"{args.platform.prefix}-api-execution-errors",
            description=f"API Gateway could not run a function {EXECUTION_ERRORS} times in five"
            " minutes: clients get its own error, and no function knows.",
            metric=of_stage(args.api, "ExecutionError"),
            times=EXECUTION_ERRORS,
        ),
        occurrence(
            name=f"{args.platform.prefix}-api-integration-errors",
            description=f"Functions failed, or refused handshakes, {INTEGRATION_ERRORS} times in"
            " five minutes.",
            metric=of_stage(args.api, "IntegrationError"),
            times=INTEGRATION_ERRORS,
        ),
    ]


def _internal_errors(args: MonitoringArgs, entry: str) -> Alarm:
    return occurrence(
        name=f"{args.platform.function_name(entry)}-internal-errors",
        description=f"Function {entry} answered INTERNAL_ERROR: a bug; its log has why.",
        metric=own(args.platform, entry, "InternalErrors"),
    )


def _services_unavailable(args: MonitoringArgs, entry: str) -> Alarm:
    return occurrence(
        name=f"{args.platform.function_name(entry)}-services-unavailable",
        description=f"Function {entry} answered SERVICE_UNAVAILABLE {UNAVAILABLE} times in five"
        " minutes: an AWS service did not answer it.",
        metric=own(args.platform, entry, "ServicesUnavailable"),
        times=UNAVAILABLE,
    )


def _rates_not_counted(args: MonitoringArgs, entry: str) -> Alarm:
    return occurrence(
        name=f"{args.platform.function_name(entry)}-rate-limits-unavailable",
        description=f"Function {entry} cannot count rates: everything passes meanwhile.",
        metric=own(args.platform, entry, "RateLimitsUnavailable"),
    )


def _posts_failed(args: MonitoringArgs, entry: str) -> Alarm:
    return occurrence(
        name=f"{args.platform.function_name(entry)}-posts-failed",
        description=f"{FAILED_POSTS} posts of {entry} failed in five minutes: listeners who are"
        " there miss what they should read.",
        metric=own(args.platform, entry, "PostsFailed"),
        times=FAILED_POSTS,
    )
