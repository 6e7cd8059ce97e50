"""All checks, in the order in which they run: each after those that it depends on."""

from collections.abc import Mapping
from dataclasses import dataclass

from operations.verify.checks.alarms import alarms
from operations.verify.checks.answers import answers
from operations.verify.checks.cadence import cadence
from operations.verify.checks.captions import captions
from operations.verify.checks.exposure import exposure
from operations.verify.checks.functions import functions
from operations.verify.checks.handshakes import handshakes
from operations.verify.checks.permissions import permissions
from operations.verify.checks.queues import queues
from operations.verify.checks.routes import routes
from operations.verify.checks.rules import rules
from operations.verify.checks.tables import tables
from operations.verify.checks.web_pages import web_pages
from operations.verify.context import Check


@dataclass(frozen=True)
class CheckSpec:
    """`in_background` checks mostly wait, so they run in parallel with the others."""

    check: Check
    needs_speaker: bool = False
    in_background: bool = False


CHECKS: Mapping[str, CheckSpec] = {
    "functions": CheckSpec(functions),
    "tables": CheckSpec(tables),
    "rules": CheckSpec(rules),
    "queues": CheckSpec(queues),
    "cadence": CheckSpec(cadence, needs_speaker=True, in_background=True),
    "routes": CheckSpec(routes),
    "answers": CheckSpec(answers, needs_speaker=True),
    "captions": CheckSpec(captions, needs_speaker=True),
    "permissions": CheckSpec(permissions),
    "handshakes": CheckSpec(handshakes, needs_speaker=True),
    "exposure": CheckSpec(exposure),
    "pages": CheckSpec(web_pages),
    "alarms": CheckSpec(alarms),
}
