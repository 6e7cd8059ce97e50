"""Whether the account can carry the load that the config admits; too little fails no update."""

import re
from collections.abc import Iterator

from contract.functions import AUDIO_PROCESSOR
from operations.preflight.answers import asked
from operations.preflight.checks.concurrency import QUOTA as CONCURRENCY_QUOTA
from operations.preflight.quotas import quota_named, way_to_raise
from operations.verify.checks.queues import QUEUE
from operations.verify.checks.routes import STAGE
from operations.verify.context import FUNCTION, Context
from operations.verify.deployment import setting
from operations.verify.verdicts import Verdict, right, unknown, wrong
from program.stack_config import project

# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
RATE_QUOTA = ("apigateway", "L-8A5B8E43")
BURST_QUOTA = ("apigateway", "L-CDF5615A")
# The page names no code: https://docs.aws.amazon.com/general/latest/gr/transcribe.html
TRANSCRIBE = "transcribe"
STREAMS_QUOTA = "streams for streaming transcription"
_SLOT_QUEUE = re.compile(r"-audio-\d+$")
_AUDIO_PROCESSOR_HANDLER = f"{AUDIO_PROCESSOR.entry}.handler"


def capacity(context: Context) -> Iterator[Verdict]:
    """Compare the stage's throttling and the speaking sessions with the account's quotas."""
    return asked(
        (
            ("requests", lambda: _requests(context)),
            ("Transcribe streams", lambda: _streams(context)),
            ("executions for speech", lambda: _executions(context)),
        )
    )


def _requests(context: Context) -> Iterator[Verdict]:
    """A stage that accepts more than the account does is throttled by the account's limit."""
    [stage] = context.declared.of(STAGE).values()
    limits = context.deployment.client("apigateway").get_account()["throttleSettings"]
    for words, key, limit, quota in (
        ("requests per second", "throttlingRateLimit", limits["rateLimit"], RATE_QUOTA),
        ("burst of requests", "throttlingBurstLimit", limits["burstLimit"], BURST_QUOTA),
    ):
        wanted = stage["defaultRouteSettings"][key]
        seen = f"{key} is {wanted}, the account's limit for all APIs is {limit:.0f}"
        if wanted <= limit:
            yield right(words, seen)
        else:
            yield wrong(words, seen, f"lower {key}, or {way_to_raise(*quota)}")


def _streams(context: Context) -> Iterator[Verdict]:
    """Each slot of each stack is a stream while its session speaks."""
    subject, slots = "Transcribe streams", int(setting(context.deployment.config, "audioSlots"))
    others = _slots_of_other_stacks(context)
    found = quota_named(context, TRANSCRIBE, STREAMS_QUOTA)
    if found is None:
        seen = f"Service Quotas has no quota of {STREAMS_QUOTA!r}"
        yield unknown(subject, seen, "look for the quota of streams in the Service Quotas console")
        return
    code, limit = found
    seen = f"{slots} audioSlots of this stack and {others} of others, of {limit:.0f} streams"
    if slots + others <= limit:
        yield right(subject, seen)
    else:
        yield wrong(subject, seen, f"lower audioSlots, or {way_to_raise(TRANSCRIBE, code)}")


def _slots_of_other_stacks(context: Context) -> int:
    own = set(context.declared.named(QUEUE))
    pages = context.deployment.client("sqs").get_paginator("list_queues")
    names = {
        url.rpartition("/")[2]
        for page in pages.paginate(QueueNamePrefix=f"{project()['name']}-")
        for url in page.get("QueueUrls", [])
    }
    return sum(_SLOT_QUEUE.search(name) is not None for name in names - own)


def _executions(context: Context) -> Iterator[Verdict]:
    """A session that speaks occupies one execution of the audio processor all the time."""
    subject, slots = "executions for speech", int(setting(context.deployment.config, "audioSlots"))
    [processor] = [
        each
        for each in context.declared.of(FUNCTION).values()
        if each["handler"] == _AUDIO_PROCESSOR_HANDLER
    ]
    reserved = processor.get("reservedConcurrentExecutions", -1)
    if reserved >= 0:
        seen = f"{reserved} reserved for {slots} audioSlots"
        way_out = f"reserve at least {slots} for {AUDIO_PROCESSOR.entry} in reservedConcurrency"
        yield right(subject, seen) if reserved >= slots else wrong(subject, seen, way_out)
        return
    limits = context.deployment.client("lambda").get_account_settings()["AccountLimit"]
    unreserved = limits["UnreservedConcurrentExecutions"]
    seen = f"{unreserved} unreserved for {slots} audioSlots and all other functions"
    if unreserved > slots:
        yield right(subject, seen)
    else:
        yield wrong(subject, seen, f"lower audioSlots, or {way_to_raise(*CONCURRENCY_QUOTA)}")
