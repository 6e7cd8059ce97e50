"""The usage of what serves people: from API Gateway and Lambda to Cognito and CloudFront."""

from collections.abc import Iterator
from math import ceil

from operations.cost.month import MINUTES_PER_MONTH, RECONCILES_PER_MONTH, SQS_BATCH, Month
from operations.cost.prices import Usage

BYTES_PER_GB = 1_000_000_000
# Per session in which someone speaks (ADR 0009).
RECEIVES_AND_DELETES_PER_SECOND = 10


def gateway(month: Month) -> Iterator[Usage]:
    """Messages in both directions, connection minutes, and outgoing data transfer."""
    captions = month.transcripts * month.load.listeners
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
        driver="open sockets",
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
    """Requests and GB-seconds of each function, and the snapshots that they start from."""
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
    gigabytes = sum(function.gigabytes for function in month.facts.functions.values())
    yield Usage(
        service="Lambda",
        driver="snapshots of the versions that serve",
        quantity=gigabytes * MINUTES_PER_MONTH * 60 if month.facts.snap_start else 0,
        price="lambda-snapshot",
    )


def queues(month: Month) -> Iterator[Usage]:
    """Requests: for audio and turns while sessions run, for ticks and Lambda's polls all month."""
    audio = month.chunks + month.speaking_seconds * RECEIVES_AND_DELETES_PER_SECOND
    shards = month.facts.status_shards
    late = max(month.facts.ticks_per_minute - 1, 0) * MINUTES_PER_MONTH
    ticks = month.ticks * (ceil(shards / SQS_BATCH) + 2 * shards) + 3 * late
    turns = month.shards_with_sessions
    reconciling = month.turn_rounds * (ceil(turns / SQS_BATCH) + 2 * turns)
    polls = month.facts.fed_queues * month.assumptions.empty_receives_per_minute
    for driver, quantity in {
        "audio through the slot queues": audio,
        "ticks and their shards": ticks,
        "turns of reconcile": reconciling,
        "Lambda's polls of queues": polls * MINUTES_PER_MONTH,
    }.items():
        yield Usage(service="SQS", driver=driver, quantity=quantity, price="sqs-request")


def events(month: Month) -> Iterator[Usage]:
    """Invocations by the two rules; several ticks in a minute are one invocation."""
    firings = MINUTES_PER_MONTH * min(month.facts.ticks_per_minute, 1) + RECONCILES_PER_MONTH
    yield Usage(
        service="EventBridge",
        driver="rule invocations",
        quantity=firings,
        price="eventbridge-event",
    )


def speech(month: Month) -> Iterator[Usage]:
    """Transcribe while someone speaks; Translate once per caption and language."""
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
            driver="captions, per language",
            quantity=characters * month.load.languages,
            price="translate-character",
        )


def users(month: Month) -> Iterator[Usage]:
    """Monthly active users: only speakers sign in."""
    if month.facts.own_user_pool:
        speakers = month.load.speakers or month.load.sessions
        yield Usage(service="Cognito", driver="speakers", quantity=speakers, price="cognito-user")


def pages(month: Month) -> Iterator[Usage]:
    """Page loads, where the stack serves the pages: one for each socket."""
    if not month.facts.web_pages:
        return
    loads = month.connections
    yield Usage(
        service="CloudFront",
        driver="pages, requests",
        quantity=loads * month.assumptions.requests_per_page,
        price="cloudfront-request",
    )
    yield Usage(
        service="CloudFront",
        driver="pages, data transfer",
        quantity=loads * month.assumptions.page_bytes / BYTES_PER_GB,
        price="cloudfront-transfer-out",
    )


def requests_per_second(month: Month) -> float:
    """The average messages per second in both directions while sessions run."""
    return (month.received_messages + month.sent_messages) / (month.load.hours * 3_600)
