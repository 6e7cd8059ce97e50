"""All checks on a correct deployment, which leave nothing behind."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import LocalCloud
from operations.verify.declared import Declared
from operations.verify.deployment import Deployment
from operations.verify.options import Options
from operations.verify.report import exit_status, write_json, write_table
from operations.verify.verdicts import Result
from operations.verify.verification import prepared, run_checks, verify
from tests.local.protocol.people import eventually
from tests.local.verify.sabotage import is_active_alarm

CHECKS = (
    *("functions", "tables", "rules", "queues", "cadence", "routes", "answers", "captions"),
    *("permissions", "handshakes", "exposure", "pages", "alarms"),
)
IN_A_SESSION = "cadence: waiting for status 1 of 3"


def test_a_run_without_findings_reports_every_check_and_leaves_nothing(
    deployment: Deployment, verified_cloud: LocalCloud
) -> None:
    progress: list[str] = []
    before = left_behind(verified_cloud)
    rows = verify(deployment, Options(), progress.append)
    active = [row for row in rows if is_active_alarm(row)]
    rows = [row for row in rows if row not in active]
    results = {(row.check, row.verdict.subject): row.verdict.result for row in rows}
    cadence = results.pop(("cadence", "periodic status"))
    not_right = {key for key, result in results.items() if result is not Result.RIGHT}
    assert not_right == {
        ("captions", "captions of English speech"),
        ("alarms", "subscribers of live-sessions-local-alarms"),
    }, rows
    assert tuple(dict.fromkeys(row.check for row in rows)) == CHECKS
    # A busy machine may be late, which is not a fault of the check.
    assert exit_status(rows) == (1 if cadence is Result.WRONG else 0)
    assert any(text.startswith("cadence: waiting for status 3 of 3") for text in progress)
    [seen] = [row.verdict.seen for row in rows if row.check == "cadence"]
    assert re.match(r"\d+\.\d s, \d+\.\d s between statuses; 12 s is configured", seen)
    eventually(lambda: left_behind(verified_cloud) <= before, "nothing is left")
    table, document = io.StringIO(), io.StringIO()
    write_table([*rows, *active], table)
    write_json(deployment.stack, rows, document)
    assert len(json.loads(document.getvalue())["rows"]) == len(rows)
    everything = table.getvalue() + document.getvalue() + "".join(progress)
    assert "eyJ" not in everything, "every token begins with eyJ"
    assert deployment.outputs["speakerPassword"] not in everything


def test_an_interrupted_run_leaves_nothing(
    deployment: Deployment, declared: Declared, verified_cloud: LocalCloud
) -> None:
    progress: list[str] = []
    before = left_behind(verified_cloud)

    def interrupt(text: str) -> None:
        progress.append(text)
        if text == IN_A_SESSION:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(deployment, declared, interrupt)
    eventually(lambda: left_behind(verified_cloud) <= before, "nothing is left")
    assert not [text for text in progress if "could not be" in text], "the clean-up succeeded"


def test_a_run_that_fails_during_a_session_ends_it(
    deployment: Deployment, declared: Declared, verified_cloud: LocalCloud
) -> None:
    before = left_behind(verified_cloud)
    with pytest.raises(ZeroDivisionError):
        fail_in_a_session(deployment, declared)
    eventually(lambda: left_behind(verified_cloud) <= before, "nothing is left")


def run_all(deployment: Deployment, declared: Declared, say: Callable[[str], None]) -> None:
    with prepared(deployment, declared, Options(), say) as context:
        run_checks(context, ("cadence", "answers"))


def fail_in_a_session(deployment: Deployment, declared: Declared) -> None:
    """Lose the speaker's socket, then fail."""
    with prepared(deployment, declared, Options(), lambda _: None) as context:
        speaker = context.clients.speaker()
        context.clients.track(speaker.create_session("en"), speaker)
        speaker.close()
        raise ZeroDivisionError


def left_behind(cloud: LocalCloud) -> set[str]:
    """Users created by a run, live sessions, and rows of connected sockets."""
    pages = cloud.client("cognito-idp").list_users(UserPoolId=cloud.outputs["userPoolId"])
    emails = {
        attribute["Value"]
        for user in pages["Users"]
        for attribute in user["Attributes"]
        if attribute["Name"] == "email" and attribute["Value"].startswith("verify-")
    }
    sessions = {
        item["sessionId"]["S"] for item in items(cloud, "sessionsTable") if "endedAt" not in item
    }
    sockets = {item["connectionId"]["S"] for item in items(cloud, "connectionsTable")}
    return emails | sessions | sockets


def items(cloud: LocalCloud, table: str) -> list[dict[str, Any]]:
    return cloud.client("dynamodb").scan(TableName=cloud.outputs[table])["Items"]
