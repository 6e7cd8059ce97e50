"""What IAM itself says that a role may do: identity policies, boundaries, and SCPs of the account.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections.abc import Mapping
from typing import Any

ALLOWED = "allowed"
Denied = list[tuple[str, str]]


def denied_by_simulation(iam: Any, role: str, statement: Mapping[str, Any]) -> tuple[Denied, int]:
    """What of a declared statement would be denied, as action and decision; how many were tried.

    One simulation of a statement, with its conditions met.
    """
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn,
        ActionNames=statement["Action"],
        ResourceArns=[_concrete(resource) for resource in statement["Resource"]],
        ContextEntries=_met(statement.get("Condition", {})),
    )
    decisions = [
        (f"{result['EvalActionName']} on {resource}", decision)
        for page in pages
        for result in page["EvaluationResults"]
        for resource, decision in _by_resource(result)
    ]
    return [each for each in decisions if each[1] != ALLOWED], len(decisions)


def _by_resource(result: Mapping[str, Any]) -> Denied:
    """Of several resources each one's decision is told apart."""
    return [
        (each["EvalResourceName"], each["EvalResourceDecision"])
        for each in result.get("ResourceSpecificResults", [])
    ] or [(result.get("EvalResourceName", "*"), result["EvalDecision"])]


def _concrete(resource: str) -> str:
    """One of the resources that a pattern stands for."""
    return resource if resource == "*" else resource.replace("*", "verify")


def _met(condition: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Context entries with which each condition of a statement that allows holds."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": values if isinstance(values, list) else [values],
            "ContextKeyType": "stringList" if isinstance(values, list) else "string",
        }
        for tests in condition.values()
        for key, values in tests.items()
    ]
