"""IAM policies as AWS returns them, compared with declared ones, and IAM's simulation."""

from collections.abc import Iterator
from typing import Any

import pytest

from operations.verify.policies import agree, by_sid, denied_by_simulation, summary_of

DECLARED = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": ["dynamodb:Query", "dynamodb:GetItem"],
    "Resource": ["arn:aws:dynamodb:us-east-1:1:table/a"],
    "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["one", "two"]}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Action": ["dynamodb:GetItem", "dynamodb:Query"]},
        {"Resource": "arn:aws:dynamodb:us-east-1:1:table/a"},
        {"Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["two", "one"]}}},
    ],
)
def test_order_and_single_element_lists_make_no_difference(change: dict[str, object]) -> None:
    assert agree(DECLARED, DECLARED | change)


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": ["dynamodb:GetItem"]},
        {"Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]},
        {"Resource": ["*"]},
        {"Condition": {}},
        {"NotPrincipal": "*"},
    ],
)
def test_anything_else_is_a_difference(change: dict[str, object]) -> None:
    assert not agree(DECLARED, DECLARED | change)


def test_the_two_notations_for_any_principal_are_equal() -> None:
    assert agree({"Principal": "*"}, {"Principal": {"AWS": "*"}})
    assert not agree({"Principal": "*"}, {"Principal": {"AWS": "arn:aws:iam::1:root"}})


def test_a_statement_is_summarised_in_one_line() -> None:
    assert summary_of(DECLARED) == (
        "dynamodb:GetItem, dynamodb:Query on arn:aws:dynamodb:us-east-1:1:table/a with a condition"
    )
    several = {"Effect": "Deny", "Action": "a:B", "Resource": ["x", "y", "z"]}
    assert summary_of(several) == "Deny a:B on x and 2 more"


def test_statements_are_found_by_sid_even_without_one() -> None:
    document = {"Statement": [DECLARED, {"Effect": "Allow"}]}
    assert set(by_sid(document)) == {"Read", "(no Sid)"}
    assert by_sid({}) == {}


ARN = "arn:aws:iam::123456789012:role/status"
STATEMENT = {
    "Sid": "UpdateSessions",
    "Effect": "Allow",
    "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    "Resource": ["arn:aws:dynamodb:us-east-1:123456789012:table/sessions/index/*"],
    "Condition": {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["sessionId", "state"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    },
}


class Iam:
    """Returns pages, and records the request."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self._pages = pages
        self.asked: dict[str, Any] = {}

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": ARN}}

    def get_paginator(self, operation: str) -> "Iam":
        assert operation == "simulate_principal_policy"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked = asked
        return iter([{"EvaluationResults": page} for page in self._pages])


def result(action: str, decision: str, **more: Any) -> dict[str, Any]:
    named = {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision}
    return named | more


def test_a_denial_on_any_page_is_reported() -> None:
    iam = Iam([result("a:Get", "allowed")], [result("a:Put", "explicitDeny")])
    assert denied_by_simulation(iam, "status", STATEMENT) == ([("a:Put on *", "explicitDeny")], 2)


def test_a_denial_of_one_resource_among_several_is_reported() -> None:
    each = [
        {"EvalResourceName": "one", "EvalResourceDecision": "allowed"},
        {"EvalResourceName": "two", "EvalResourceDecision": "implicitDeny"},
    ]
    iam = Iam([result("a:Get", "allowed", ResourceSpecificResults=each)])
    assert denied_by_simulation(iam, "status", STATEMENT) == (
        [("a:Get on two", "implicitDeny")],
        2,
    )


def test_one_resource_of_a_pattern_is_simulated_with_the_conditions_met() -> None:
    iam = Iam([])
    denied_by_simulation(iam, "status", STATEMENT)
    assert iam.asked == {
        "PolicySourceArn": ARN,
        "ActionNames": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
        "ResourceArns": ["arn:aws:dynamodb:us-east-1:123456789012:table/sessions/index/verify"],
        "ContextEntries": [
            {
                "ContextKeyName": "dynamodb:Attributes",
                "ContextKeyValues": ["sessionId", "state"],
                "ContextKeyType": "stringList",
            },
            {
                "ContextKeyName": "dynamodb:Select",
                "ContextKeyValues": ["SPECIFIC_ATTRIBUTES"],
                "ContextKeyType": "string",
            },
        ],
    }
