"""A small stack and a small load, whose usage can be calculated by hand."""

from typing import Any

from operations.cost.assumptions import Assumptions
from operations.cost.load import Load
from operations.cost.month import Month
from operations.cost.stack_facts import Function, StackFacts

ENTRIES = {
    "authorizer": 0.25,
    "connection": 0.5,
    "disconnect": 0.25,
    "heartbeat": 0.125,
    "refresh": 0.25,
    "removed_action": 0.125,
    "session_status": 0.25,
    "fan_out": 1.0,
    "reconcile": 0.5,
    "audio_ingest": 0.25,
    "audio_processor": 1.0,
    "translation": 0.5,
}


def facts(**changes: Any) -> StackFacts:
    """A stack with a tick every 30 s over 16 shards, and four queues that feed functions."""
    plain: dict[str, Any] = {
        "stack": "test",
        "region": "us-east-1",
        "functions": {
            entry: Function(gigabytes=gigabytes, architecture="arm64")
            for entry, gigabytes in ENTRIES.items()
        },
        "ticks_per_minute": 2,
        "status_shards": 16,
        "fed_queues": 4,
        "takes_audio": True,
        "audio_slots": 20,
        "partial_captions": "premium",
        "maximum_listeners": 500,
        "keeps_captions": True,
        "access_logs": True,
        "function_lines": True,
        "log_retention_days": 30,
        "point_in_time_recovery": True,
        "tracing": False,
        "alarm_metrics": 40,
        "alarm_mails": False,
        "dashboards": 1,
        "keys": 1,
        "own_metrics": 30,
        "measured_routes": 0,
        "own_user_pool": True,
        "web_pages": False,
        "snap_start": False,
    }
    return StackFacts(**{**plain, **changes})


def load(**changes: Any) -> Load:
    """One session of one hour with 100 listeners, in which someone always speaks."""
    plain: dict[str, Any] = {
        "sessions": 1,
        "listeners": 100,
        "hours": 1,
        "captions_per_minute": 20,
        "languages": 5,
        "speaking_share": 1,
    }
    return Load(**{**plain, **changes})


def month(of: Load | None = None, on: StackFacts | None = None) -> Month:
    """The month of a load on a stack."""
    return Month(load=of or load(), facts=on or facts(), assumptions=Assumptions())
