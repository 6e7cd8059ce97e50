"""The periodic status as a speaker receives it: the time between statuses, over some intervals."""

import itertools
import time
from collections.abc import Iterator

from client.people import Speaker
from client.sockets import Frame, FrameMissing
from operations.verify.checks.rules import RULE, declared_state
from operations.verify.context import Context
from operations.verify.deployment import setting
from operations.verify.run_clients import SOCKET_ERRORS
from operations.verify.verdicts import Verdict, not_checked, not_tried, right, wrong

# For Lambda's cold start, SQS polling and the network, and EventBridge's own second or two.
TOLERANCE_SECONDS = 5.0
# A rule that was just deployed or enabled fires within its first minute.
FIRST_TICK_SECONDS = 60.0
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
SOCKET_LIFETIME_SECONDS = 7_200
HEARTBEAT_SECONDS = 60.0
PROGRESS_SECONDS = 10.0
SUBJECT = "periodic status"


def cadence(context: Context) -> Iterator[Verdict]:
    """Create a session and measure, without requesting a status, which would delay the next one."""
    interval = _interval_seconds(context)
    longest = FIRST_TICK_SECONDS + (context.intervals + 1) * (interval + TOLERANCE_SECONDS)
    if not _is_due(context):
        yield not_tried(
            SUBJECT,
            "the stack declares its rule as disabled, so no status is due",
            f"set periodicStatus to true in Pulumi.{context.deployment.stack}.yaml and deploy",
        )
        return
    if longest > SOCKET_LIFETIME_SECONDS:
        yield not_tried(
            SUBJECT,
            f"{context.intervals} intervals of {interval} s exceed the two hours of a socket",
            "measure fewer with --intervals",
        )
        return
    try:
        speaker = context.clients.speaker("cadence")
        session_id = speaker.create_session("en")
    except SOCKET_ERRORS as error:
        yield not_checked(
            SUBJECT, f"no session could be created: {error}", "see answers and handshakes"
        )
        return
    context.clients.track(session_id, speaker)
    yield _measured(context, speaker, interval)


def _measured(context: Context, speaker: Speaker, interval: int) -> Verdict:
    log_group = context.deployment.outputs.get("logGroupNames", {}).get("session_status", "")
    way_out = f"see rules and feeds, and the log group {log_group} of session_status"
    arrivals: list[float] = []
    timeout = FIRST_TICK_SECONDS + interval + TOLERANCE_SECONDS
    while len(arrivals) <= context.intervals:
        context.say(f"cadence: waiting for status {len(arrivals) + 1} of {context.intervals + 1}")
        try:
            frame = _next_status(context, speaker, timeout)
        except SOCKET_ERRORS:
            after = (
                f"{len(arrivals)} received, but not the next one" if arrivals else "none received"
            )
            return wrong(SUBJECT, f"{after} within {timeout:.0f} s", way_out)
        arrivals.append(frame.received_at)
        # Long enough to measure how late a late one is.
        timeout = 2 * interval + TOLERANCE_SECONDS
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    seen = (
        f"{', '.join(f'{gap:.1f} s' for gap in gaps)} between statuses; {interval} s is configured"
    )
    if any(abs(gap - interval) > TOLERANCE_SECONDS for gap in gaps):
        return wrong(SUBJECT, f"{seen}, with a tolerance of {TOLERANCE_SECONDS:g} s", way_out)
    return right(SUBJECT, seen)


def _next_status(context: Context, speaker: Speaker, timeout_seconds: float) -> Frame:
    """Return the next periodic status; raises SOCKET_ERRORS if none arrives in time."""
    started = reported = last_heartbeat = time.monotonic()
    while True:
        try:
            return speaker.expect("sessionStatus", 1.0, updateReason="periodic")
        except FrameMissing:
            now = time.monotonic()
            if now - started > timeout_seconds or not speaker.is_open:
                raise
        if now - reported >= PROGRESS_SECONDS:
            reported = now
            context.say(f"cadence: {now - started:.0f} s of at most {timeout_seconds:.0f} s")
        if now - last_heartbeat >= HEARTBEAT_SECONDS:
            last_heartbeat = now
            speaker.ask("heartbeat")


def _interval_seconds(context: Context) -> int:
    return int(setting(context.deployment.config, "statusIntervalSeconds"))


def _is_due(context: Context) -> bool:
    name = context.deployment.outputs.get("statusRule", "")
    return declared_state(context.declared.named(RULE).get(name, {})) == "ENABLED"
