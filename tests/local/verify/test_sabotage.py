"""What was changed behind the program's back is found, and named by the check that should."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from operations.verify.context import Context
from operations.verify.deployment import Deployment
from operations.verify.verdicts import Result, Row
from operations.verify.verification import run_checks
from tests.local.verify import sabotage
from tests.local.verify.sabotage import is_active_alarm

Sabotage = Callable[[Deployment], AbstractContextManager[None]]
PREFIX = "live-sessions-local"

# Sabotage: check, what it is about, what was seen.
FOUND: dict[Sabotage, tuple[str, str, str]] = {
    sabotage.rule_disabled: ("rules", f"rule {PREFIX}-status", "is DISABLED, declared is ENABLED"),
    sabotage.target_removed: (
        "rules",
        f"target tick-12s of {PREFIX}-status",
        f"is missing: nothing reaches arn:aws:sqs:us-east-1:000000000000:{PREFIX}-status-ticks-12s",
    ),
    sabotage.route_without_response: (
        "routes",
        "route pauseBroadcast",
        "its RouteResponse $default is missing: what the function answers is dropped",
    ),
    sabotage.permission_taken: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "lacks the statement ReadConnections: dynamodb:GetItem on "
        f"arn:aws:dynamodb:us-east-1:000000000000:table/{PREFIX}-connections",
    ),
    sabotage.expired_token_accepted: ("handshakes", "expired token", "OPENS A SPEAKER'S SOCKET"),
    sabotage.role_with_more: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "has the policy 'more', which the program does not declare",
    ),
    sabotage.role_for_anybody: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "may be assumed otherwise than declared: ",
    ),
    sabotage.alarm_muted: ("alarms", "", "ActionsEnabled is False, declared is True"),
    sabotage.function_with_url: ("exposure", f"function {PREFIX}-refresh", "has a URL, for NONE"),
    sabotage.function_with_another_role: (
        "functions",
        f"function {PREFIX}-refresh",
        f"Role is 'arn:aws:iam::000000000000:role/{PREFIX}-translation', declared is ",
    ),
    sabotage.function_that_never_runs: (
        "functions",
        f"function {PREFIX}-refresh",
        "its reserved concurrency is 0: it never runs; declared is none",
    ),
    sabotage.queue_open_to_all: (
        "exposure",
        f"queue {PREFIX}-status-shards",
        "its policy has ['DenyPlainHttp', 'Open'], declared is ['DenyPlainHttp']",
    ),
    sabotage.mapping_disabled: ("feeds", "", "its mapping is Disabled"),
}


@pytest.mark.parametrize("sabotage", FOUND, ids=lambda each: each.__name__)
def test_a_sabotage_is_found_and_named_and_nothing_before_and_after(
    context: Context, sabotage: Sabotage
) -> None:
    check, subject, seen = FOUND[sabotage]
    assert wrong(run_checks(context, [check])) == []
    with sabotage(context.deployment):
        [first, *others] = wrong(run_checks(context, [check]))
    assert first.check == check
    assert first.verdict.subject.startswith(subject)
    assert first.verdict.seen.startswith(seen)
    assert first.verdict.way_out
    # A permission that is taken is missed twice: as a statement, and by IAM's own judgement.
    assert all("would be denied" in row.verdict.seen for row in others)
    assert wrong(run_checks(context, [check])) == []


def test_a_permission_that_is_taken_is_noticed_by_a_client_too(
    context: Context,
) -> None:
    with sabotage.permission_taken(context.deployment):
        rows = wrong(run_checks(context, ["answers"]))
    assert {row.verdict.subject for row in rows} == {"speaker: heartbeat", "listener: heartbeat"}
    assert all("INTERNAL_ERROR" in row.verdict.seen for row in rows)


def wrong(rows: list[Row]) -> list[Row]:
    """The rows that are not right, but for what was not tried, and alarms for other sabotages."""
    bad = (Result.WRONG, Result.NOT_CHECKED)
    return [row for row in rows if row.verdict.result in bad and not is_active_alarm(row)]
