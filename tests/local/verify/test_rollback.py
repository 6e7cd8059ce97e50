"""A rollback on the local cloud, as a user who may do no more than the docs say, and its check."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.cloud import LocalCloud
from operations.releases.recording import release
from operations.releases.records import delete, records_of
from operations.releases.stack import ReleasedStack, served
from operations.rollback.moving import rollback
from operations.verify.declared import Declared
from operations.verify.deployment import Deployment
from operations.verify.options import Options
from operations.verify.verdicts import Result
from operations.verify.verification import prepared, run_checks
from tests.local.verify.sabotage import released
from tests.local.verify.test_preflight import PAGE, user

ONLY_FUNCTIONS = Options(only=("functions",))


@pytest.fixture
def stack(deployment: Deployment) -> Iterator[ReleasedStack]:
    """The deployed stack, without any record before and after."""
    stack = ReleasedStack(deployment.stack, deployment.client)
    yield stack
    delete(stack, records_of(stack))


def record(stack: ReleasedStack, digit: str) -> None:
    release(stack, digit * 40, kept_versions=2, now=datetime.now(UTC))


def documented_policy(cloud: LocalCloud, stack: ReleasedStack) -> dict[str, Any]:
    """That of the page's section, for this stack."""
    section = PAGE.read_text().partition("\n## Rollback\n")[2]
    [policy, *_] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    for example, own in (
        ("live-sessions-production", stack.prefix),
        ("eu-central-1", cloud.account.region),
        ("123456789012", cloud.account.account_id),
    ):
        assert example in policy
        policy = policy.replace(example, own)
    content = json.loads(policy)
    for statement in content["Statement"]:
        if statement["Action"] == "ssm:GetParametersByPath":
            # The emulator takes this action's resource to be *, which on AWS is the path.
            statement["Resource"] = "*"
        if "lambda:GetAlias" in statement["Action"]:
            # The emulator's name of GetAlias.
            statement["Action"].append("lambda:ListAliases")
    return content


def test_the_documented_policy_is_enough_for_a_rollback_and_verify_names_the_release(
    stack: ReleasedStack, deployment: Deployment, declared: Declared, verified_cloud: LocalCloud
) -> None:
    before = served(stack.aliases())
    assert before.keys() == set(deployment.outputs["functionNames"].values())
    record(stack, "a")
    functions, heartbeat = stack.client("lambda"), deployment.outputs["functionNames"]["heartbeat"]
    role = functions.get_function_configuration(FunctionName=heartbeat)["Role"]
    with released(deployment, "heartbeat", Role=role):
        record(stack, "b")
        with user(verified_cloud, "rollback", documented_policy(verified_cloud, stack)) as client:
            plan = rollback(ReleasedStack(stack.name, client))
        assert [each.function for each in plan.moves] == [heartbeat]
        assert served(stack.aliases()) == before
        with prepared(deployment, declared, ONLY_FUNCTIONS, lambda _: None) as context:
            rows = run_checks(context, ["functions"])
        assert {row.verdict.result for row in rows} == {Result.RIGHT}, rows
        [seen] = [row.verdict.seen for row in rows if row.verdict.subject == "rollback"]
        assert seen.startswith("aaaaaaa of ")
        assert " serves in 1 function," in seen
