"""IAM's simulation, with responses as AWS returns them."""

from collections.abc import Iterator
from typing import Any

from operations.verify.policies import denied_by_simulation

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
