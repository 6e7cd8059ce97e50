"""Every check, in the order in which one thing depends on another."""

from collections.abc import Mapping
from dataclasses import dataclass

from operations.verify.checks.alarms import alarms
from operations.verify.checks.answers import answers
from operations.verify.checks.cadence import cadence
from operations.verify.checks.captions import captions
from operations.verify.checks.feeds import feeds
from operations.verify.checks.functions import functions
from operations.verify.checks.handshakes import handshakes
from operations.verify.checks.permissions import permissions
from operations.verify.checks.routes import routes
from operations.verify.checks.rules import rules
from operations.verify.checks.strangers import strangers
from operations.verify.checks.tables import tables
from operations.verify.scene import Check


@dataclass(frozen=True)
class Listed:
    """`is_waiting`: it waits most of its time, so it runs beside the others."""

    check: Check
    needs_speaker: bool = False
    is_waiting: bool = False


CHECKS: Mapping[str, Listed] = {
    "functions": Listed(functions),
    "tables": Listed(tables),
    "rules": Listed(rules),
    "feeds": Listed(feeds),
    "cadence": Listed(cadence, needs_speaker=True, is_waiting=True),
    "routes": Listed(routes),
    "answers": Listed(answers, needs_speaker=True),
    "captions": Listed(captions, needs_speaker=True),
    "permissions": Listed(permissions),
    "handshakes": Listed(handshakes, needs_speaker=True),
    "strangers": Listed(strangers),
    "alarms": Listed(alarms),
}
