"""All checks of `make preflight`, in the order of the table."""

from collections.abc import Mapping
from dataclasses import dataclass

from operations.preflight.checks.alarm_email import alarm_email
from operations.preflight.checks.capacity import capacity
from operations.preflight.checks.concurrency import concurrency
from operations.preflight.checks.counts import counts
from operations.preflight.checks.domain import domain, pages_domain
from operations.preflight.checks.logging_role import logging_role
from operations.preflight.checks.names import names
from operations.preflight.checks.speaker_issuer import speaker_issuer
from operations.verify.context import Check


@dataclass(frozen=True)
class CheckSpec:
    """`fails_update`: whether `pulumi up` would stop in the middle if something is wrong."""

    check: Check
    fails_update: bool = True


CHECKS: Mapping[str, CheckSpec] = {
    "logging role": CheckSpec(logging_role),
    "names": CheckSpec(names),
    "counts": CheckSpec(counts),
    "concurrency": CheckSpec(concurrency),
    "domain": CheckSpec(domain),
    "pages domain": CheckSpec(pages_domain),
    "speaker issuer": CheckSpec(speaker_issuer, fails_update=False),
    "capacity": CheckSpec(capacity, fails_update=False),
    "alarm email": CheckSpec(alarm_email, fails_update=False),
}
