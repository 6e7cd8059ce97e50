"""Each change behind the program's back is reported by the check that is responsible for it."""

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

# Sabotage: check, subject, finding.
FOUND: dict[Sabotage, tuple[str, str, str]] = {
    sabotage.rule_disabled: ("rules", f"rule {PREFIX}-status", "is DISABLED, declared is ENABLED"),
    sabotage.target_removed: (
        "rules",
        f"target tick-2 of {PREFIX}-status",
        f"is missing: arn:aws:sqs:us-east-1:000000000000:{PREFIX}-status-ticks-2 receives nothing",
    ),
    sabotage.route_without_response: (
        "routes",
        "route pauseBroadcast",
        "its RouteResponse $default is missing: the function's reply is dropped",
    ),
    sabotage.permission_taken: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "lacks the statement ReadConnections: dynamodb:GetItem on "
        f"arn:aws:dynamodb:us-east-1:000000000000:table/{PREFIX}-connections",
    ),
    sabotage.expired_token_accepted: ("handshakes", "expired token", "OPENS A SOCKET"),
    sabotage.role_with_more: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "has the policy 'more', which the program does not declare",
    ),
    sabotage.role_for_anybody: (
        "permissions",
        f"role {PREFIX}-heartbeat",
        "its trust policy is not as declared: ",
    ),
    sabotage.alarm_muted: ("alarms", "", "ActionsEnabled is False, declared is True"),
    sabotage.function_with_url: (
        "exposure",
        f"function {PREFIX}-refresh",
        "has a URL with auth type NONE",
    ),
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
    sabotage.function_with_other_code: (
        "functions",
        f"function {PREFIX}-heartbeat",
        "its code differs in heartbeat.py",
    ),
    sabotage.function_edited_in_the_console: (
        "functions",
        f"function {PREFIX}-heartbeat",
        "$LATEST has other code than the newest version, ",
    ),
    sabotage.alias_moved: (
        "functions",
        f"function {PREFIX}-heartbeat",
        "its alias live is on version ",
    ),
    sabotage.function_with_another_variable: (
        "functions",
        f"function {PREFIX}-refresh",
        "has a value other than declared in POWERTOOLS_LOG_LEVEL",
    ),
    sabotage.function_with_another_queue: (
        "functions",
        f"function {PREFIX}-connection",
        "has a value other than declared in SESSION_CHECKS_QUEUE_URL",
    ),
    sabotage.route_to_another_function: (
        "routes",
        "route heartbeat",
        "its integration: IntegrationUri is ",
    ),
    sabotage.queue_open_to_all: (
        "exposure",
        f"queue {PREFIX}-status-shards",
        "its policy has ['DenyPlainHttp', 'Open'], declared is ['DenyPlainHttp']",
    ),
    sabotage.page_deleted: ("pages", "speak.html", "returned 404 instead of 200"),
    sabotage.page_kept_by_browsers: (
        "pages",
        "speak.html",
        "Cache-Control is 'max-age=600', declared is 'no-cache'",
    ),
    sabotage.config_of_another_stack: (
        "pages",
        "config.json",
        "clientId is 'another', whose tokens are refused",
    ),
    sabotage.pages_in_a_frame: ("pages", "index.html", "Content-Security-Policy is "),
    sabotage.bucket_of_pages_open_to_all: (
        "pages",
        f"bucket {PREFIX}-pages-000000000000-us-east-1 without a signature",
        "returned 200 instead of 401 or 403",
    ),
    sabotage.mapping_disabled: ("queues", "", "its mapping is Disabled"),
}


@pytest.fixture(scope="session")
def seen_right() -> set[str]:
    """The checks that found nothing after the last sabotage that was theirs."""
    return set()


@pytest.mark.parametrize("sabotage", FOUND, ids=lambda each: each.__name__)
def test_a_sabotage_is_reported_and_nothing_before_and_after(
    context: Context, seen_right: set[str], sabotage: Sabotage
) -> None:
    check, subject, seen = FOUND[sabotage]
    if check not in seen_right:
        assert wrong(run_checks(context, [check])) == []
    seen_right.discard(check)
    with sabotage(context.deployment):
        [first, *others] = wrong(run_checks(context, [check]))
    assert first.check == check
    assert first.verdict.subject.startswith(subject)
    assert first.verdict.seen.startswith(seen)
    assert first.verdict.way_out
    # A missing permission is reported twice: as a missing statement, and by IAM's simulation; a
    # header for each page.
    assert all("would be denied" in row.verdict.seen or check == "pages" for row in others)
    assert wrong(run_checks(context, [check])) == []
    seen_right.add(check)


def test_a_missing_permission_is_also_noticed_by_clients(
    context: Context,
) -> None:
    with sabotage.permission_taken(context.deployment):
        rows = wrong(run_checks(context, ["answers"]))
    assert {row.verdict.subject for row in rows} == {"speaker: heartbeat", "listener: heartbeat"}
    assert all("INTERNAL_ERROR" in row.verdict.seen for row in rows)


def wrong(rows: list[Row]) -> list[Row]:
    """The rows that are wrong or not checked, without alarms caused by other sabotages."""
    bad = (Result.WRONG, Result.NOT_CHECKED)
    return [row for row in rows if row.verdict.result in bad and not is_active_alarm(row)]
