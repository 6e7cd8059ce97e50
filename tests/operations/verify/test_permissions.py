"""Verdicts about IAM's simulation."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from operations.verify.checks import permissions
from operations.verify.checks.permissions import ROLE, ROLE_POLICY
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared, missing

STATEMENT = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": ["dynamodb:GetItem"],
    "Resource": ["arn:aws:dynamodb:eu-central-1:998877665544:table/sessions"],
}
POLICY = {"Statement": [STATEMENT]}
TRUST = {"Statement": []}


def simulation(
    results: list[dict[str, str]], live: Mapping[str, Any] = MappingProxyType({})
) -> list[Verdict]:
    iam = Service(
        list_role_policies={"PolicyNames": ["permissions"]},
        get_role_policy={"PolicyDocument": POLICY},
        get_role={"Role": {"Arn": "arn", "Path": "/", "AssumeRolePolicyDocument": TRUST, **live}},
        list_attached_role_policies={"AttachedPolicies": []},
        simulate_principal_policy={"EvaluationResults": results},
    )
    return [each for each in verdicts(iam) if each.subject != "roles"]


def verdicts(iam: Any) -> list[Verdict]:
    context = context_of(
        declared(ROLE, "role", name="status", assumeRolePolicy=json.dumps(TRUST)),
        declared(
            ROLE_POLICY, "policy", name="permissions", role="status", policy=json.dumps(POLICY)
        ),
        client=lambda service: iam,
    )
    return list(permissions(context))


@pytest.mark.parametrize(
    ("decisions", "result"),
    [
        (["allowed"], Result.RIGHT),
        (["implicitDeny"], Result.WRONG),
        ([], Result.NOT_TRIED),
    ],
)
def test_only_simulated_and_allowed_permissions_are_right(
    decisions: list[str], result: Result
) -> None:
    results = [{"EvalActionName": "dynamodb:GetItem", "EvalDecision": each} for each in decisions]
    [verdict] = simulation(results)
    assert verdict.result is result


@pytest.mark.parametrize(
    ("live", "fault"),
    [
        (
            {"PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::1:policy/by-hand"}},
            "its permissions boundary is arn:aws:iam::1:policy/by-hand, declared is none",
        ),
        ({"Path": "/moved/"}, "its path is /moved/, declared is /"),
    ],
)
def test_a_boundary_or_a_path_that_is_not_declared_is_wrong(
    live: dict[str, Any], fault: str
) -> None:
    found = [each for each in simulation([], live) if each.result is Result.WRONG]
    assert [each.seen for each in found] == [fault]


def test_without_any_role_no_row_is_right() -> None:
    found = verdicts(Service(list_role_policies=missing, get_role=missing))
    assert [each.result for each in found] == [Result.WRONG, Result.NOT_TRIED]
