"""IAM policies: compared with what is declared, and tried in IAM's own simulation."""

from collections.abc import Iterator, Mapping
from typing import Any

Statements = dict[str, dict[str, Any]]
ANYONE = {"AWS": "*"}
ALLOWED = "allowed"
Denied = list[tuple[str, str]]


def by_sid(document: Mapping[str, Any]) -> Statements:
    """The statements of a policy document by Sid."""
    return {each.get("Sid", "(no Sid)"): each for each in document.get("Statement", [])}


def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents or statements are equal, however AWS formats lists.

    AWS may return a list of one element as the element, and lists in any order.
    """
    return _normal(one) == _normal(other)


def faults_by_sid(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    """The statements of a resource policy that are missing, undeclared or different."""
    wanted, found = by_sid(declared), by_sid(live)
    for sid in sorted(wanted.keys() - found.keys()):
        yield f"lacks the statement {sid}"
    for sid in sorted(found.keys() - wanted.keys()):
        yield f"has the statement {sid}, which the program does not declare"
    for sid in sorted(wanted.keys() & found.keys()):
        if not agree(wanted[sid], found[sid]):
            yield f"has the statement {sid}, which differs from the declared one"


def summary_of(statement: Mapping[str, Any]) -> str:
    """A statement in one line."""
    actions, resources = (_normal(statement.get(key)) for key in ("Action", "Resource"))
    condition = " with a condition" if statement.get("Condition") else ""
    effect = "" if statement["Effect"] == "Allow" else f"{statement['Effect']} "
    first, more = (resources, "") if isinstance(resources, str) else _first(resources)
    listed = actions if isinstance(actions, str) else ", ".join(actions)
    return f"{effect}{listed} on {first}{more}{condition}"


def _first(resources: list[str]) -> tuple[str, str]:
    return resources[0], f" and {len(resources) - 1} more"


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value == ANYONE:
            return "*"
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return items[0] if len(items) == 1 else sorted(items, key=str)
    return value


def denied_by_simulation(iam: Any, role: str, statement: Mapping[str, Any]) -> tuple[Denied, int]:
    """Simulate a declared statement with its conditions met.

    Returns the denied actions with IAM's decisions, and the number of simulated ones. IAM considers
    identity policies, boundaries and the account's SCPs. Raises ClientError.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
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
    """The decision for each resource."""
    return [
        (each["EvalResourceName"], each["EvalResourceDecision"])
        for each in result.get("ResourceSpecificResults", [])
    ] or [(result.get("EvalResourceName", "*"), result["EvalDecision"])]


def _concrete(resource: str) -> str:
    """One resource that matches a pattern."""
    return resource if resource == "*" else resource.replace("*", "verify")


def _met(condition: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Context entries that satisfy each condition of an Allow statement."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": values if isinstance(values, list) else [values],
            "ContextKeyType": "stringList" if isinstance(values, list) else "string",
        }
        for tests in condition.values()
        for key, values in tests.items()
    ]
