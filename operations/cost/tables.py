"""What sessions use of DynamoDB: request units and storage."""

from collections.abc import Iterator
from math import ceil

from operations.cost.assumptions import ROW_BYTES
from operations.cost.load import HOURS_PER_MONTH
from operations.cost.month import RECONCILES_PER_MONTH, Month
from operations.cost.prices import Usage
from operations.cost.serving import BYTES_PER_GB

# Write request units: one per row, and one more per index that contains it. The calls are listed in
# tests/handlers/faults/calls.txt.
WRITES_OF_A_CONNECTION = 2
WRITES_OF_A_CREATION = 4
WRITES_OF_A_JOIN = 8
WRITES_OF_A_LEAVE = 6
WRITES_OF_A_CONTROL = 4
WRITES_OF_AN_END = 3
WRITES_OF_A_RENEWAL = 2
RENEWAL_SECONDS = 3
# Read request units: one per row of a consistent read; for an index, half a unit per started 4 KB
# of a page.
READS_OF_A_CREATION = 1
READS_OF_A_JOIN = 3
READS_OF_A_CONTROL = 1
READS_OF_A_SESSION_RECONCILED = 2
READS_OF_A_LISTENER_RECONCILED = 0.5
PAGE_READ = 0.5
READ_BYTES = 4_096
RECONCILED_SHARDS = 64


def tables(month: Month) -> Iterator[Usage]:
    """Request units by driver, and storage."""
    joins = month.started_sessions * month.load.listeners
    writes = {
        "joining and leaving": month.connections * WRITES_OF_A_CONNECTION
        + joins * (WRITES_OF_A_JOIN + WRITES_OF_A_LEAVE),
        "sessions and controls": month.started_sessions * (WRITES_OF_A_CREATION + WRITES_OF_AN_END)
        + month.controls * WRITES_OF_A_CONTROL,
        "kept captions": month.kept_captions,
        "captions in transcripts": month.deleted_captions,
        "heartbeats": month.renewals,
        "audio leases": month.speaking_seconds / RENEWAL_SECONDS * WRITES_OF_A_RENEWAL,
    }
    listeners = listeners_read(month)
    reads = {
        "audio chunks": month.chunks,
        "captions": month.transcripts * (1 + listeners),
        "ticks": month.ticks * month.facts.status_shards * PAGE_READ,
        "joining, controls, heartbeats": joins * READS_OF_A_JOIN
        + month.started_sessions * READS_OF_A_CREATION
        + month.controls * READS_OF_A_CONTROL
        + month.fan_outs * listeners
        + month.heartbeats,
        "reconciling": RECONCILES_PER_MONTH * RECONCILED_SHARDS * PAGE_READ
        + month.turn_rounds * month.shards_with_sessions * PAGE_READ
        + month.turn_rounds
        * month.load.sessions
        * (
            READS_OF_A_SESSION_RECONCILED
            + listeners
            + month.load.listeners * READS_OF_A_LISTENER_RECONCILED
        ),
    }
    for price, drivers in (("dynamodb-write", writes), ("dynamodb-read", reads)):
        for driver, quantity in drivers.items():
            kind = price.removeprefix("dynamodb-")
            yield Usage(
                service="DynamoDB", driver=f"{driver}, {kind}s", quantity=quantity, price=price
            )
    share = month.load.hours / HOURS_PER_MONTH
    rows = month.load.sessions * (month.load.listeners + 2) * share
    kept = rows * ROW_BYTES / BYTES_PER_GB
    yield Usage(service="DynamoDB", driver="stored rows", quantity=kept, price="dynamodb-storage")
    if month.facts.point_in_time_recovery:
        yield Usage(
            service="DynamoDB",
            driver="point-in-time recovery",
            quantity=kept,
            price="dynamodb-recovery",
        )


def listeners_read(month: Month) -> float:
    """Read request units of one query of all listeners of a session."""
    bytes_read = month.load.listeners * month.assumptions.listener_row_bytes
    return max(ceil(bytes_read / READ_BYTES), 1) * PAGE_READ
