"""What serving sessions uses: API Gateway, Lambda, SQS, EventBridge, Transcribe, Translate."""

from collections.abc import Iterator
from math import ceil

from operations.cost.month import MINUTES_PER_MONTH, RECONCILES_PER_MONTH, SQS_BATCH, Month
from operations.cost.prices import Usage

BYTES_PER_GB = 1_000_000_000
# ADR 0009: while somebody speaks.
RECEIVES_AND_DELETES_PER_SECOND = 10


def gateway(month: Month) -> Iterator[Usage]:
    """Messages either way, the minutes of their sockets, and what leaves AWS by them."""
    told = month.load.listeners
    captions = month.transcripts * told
    messages = {
        "captions to listeners": captions,
        "audio from speakers": month.chunks,
        "status to speakers": month.status_pushes,
        "joins, controls, ends, heartbeats": month.received_messages
        - month.chunks
        + month.sent_messages
        - captions
        - month.status_pushes,
    }
    for driver, quantity in messages.items():
        yield Usage(
            service="API Gateway", driver=driver, quantity=quantity, price="api-gateway-message"
        )
    yield Usage(
        service="API Gateway",
        driver="sockets kept open",
        quantity=month.connection_minutes,
        price="api-gateway-connection-minute",
    )
    yield Usage(
        service="Data transfer",
        driver="frames to clients",
        quantity=month.sent_messages * month.assumptions.frame_bytes / BYTES_PER_GB,
        price="data-transfer-out",
    )


def functions(month: Month) -> Iterator[Usage]:
    """Requests and GB-s of each function."""
    for entry, invocations in month.invocations.items():
        function = month.facts.functions[entry]
        seconds = invocations * month.milliseconds_of(entry) / 1_000
        yield Usage(
            service="Lambda",
            driver=f"{entry}, requests",
            quantity=invocations,
            price="lambda-request",
        )
        yield Usage(
            service="Lambda",
            driver=f"{entry}, GB-s",
            quantity=seconds * function.gigabytes,
            price=f"lambda-{function.architecture}",
        )


def queues(month: Month) -> Iterator[Usage]:
    """Requests: audio while somebody speaks; ticks and the polls of Lambda all month."""
    audio = month.chunks + month.speaking_seconds * RECEIVES_AND_DELETES_PER_SECOND
    shards = month.facts.status_shards
    late = max(month.facts.ticks_per_minute - 1, 0) * MINUTES_PER_MONTH
    ticks = month.ticks * (ceil(shards / SQS_BATCH) + 2 * shards) + 3 * late
    polls = month.facts.fed_queues * month.assumptions.empty_receives_per_minute
    for driver, quantity in {
        "audio through the slots' queues": audio,
        "ticks and their shards": ticks,
        "Lambda's polls of queues": polls * MINUTES_PER_MONTH,
    }.items():
        yield Usage(service="SQS", driver=driver, quantity=quantity, price="sqs-request")


def events(month: Month) -> Iterator[Usage]:
    """Firings of the two rules; several ticks of a minute are one."""
    firings = MINUTES_PER_MONTH * min(month.facts.ticks_per_minute, 1) + RECONCILES_PER_MONTH
    yield Usage(
        service="EventBridge",
        driver="the rules' firings",
        quantity=firings,
        price="eventbridge-event",
    )


def speech(month: Month) -> Iterator[Usage]:
    """A stream as long as somebody speaks; each caption once for each language."""
    yield Usage(
        service="Transcribe",
        driver="speech",
        quantity=month.speaking_seconds / 60,
        price="transcribe-minute",
    )
    if "translation" in month.facts.functions:
        characters = month.transcripts * month.load.caption_characters
        yield Usage(
            service="Translate",
            driver="captions, for each language",
            quantity=characters * month.load.languages,
            price="translate-character",
        )


def users(month: Month) -> Iterator[Usage]:
    """The speakers; listeners sign in nowhere."""
    if month.facts.own_user_pool:
        speakers = month.load.speakers or month.load.sessions
        yield Usage(service="Cognito", driver="speakers", quantity=speakers, price="cognito-user")


def requests_per_second(month: Month) -> float:
    """Messages either way while the sessions run, on average: API Gateway's quota counts them."""
    return (month.received_messages + month.sent_messages) / (month.load.hours * 3_600)
