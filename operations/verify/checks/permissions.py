"""Each role must have exactly the declared statements, and IAM's simulation must allow them."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operations.verify.context import Context
from operations.verify.deployment import code_of
from operations.verify.policies import Statements, agree, by_sid, denied_by_simulation, summary_of
from operations.verify.verdicts import Verdict, not_checked, not_tried, right, wrong

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def permissions(context: Context) -> Iterator[Verdict]:
    """Compare every role's policies, then simulate its declared statements."""
    iam, repair = context.deployment.client("iam"), context.deployment.repair
    statements = 0
    roles = list(context.declared.named(ROLE))
    as_declared: list[str] = []
    for role in roles:
        try:
            faults = list(_faults(context, iam, role))
        except iam.exceptions.NoSuchEntityException:
            faults = ["the role or its policy does not exist"]
        yield from (wrong(f"role {role}", fault, repair) for fault in faults)
        if not faults:
            as_declared.append(role)
            statements += len(context.declared.statements(role))
    if as_declared:
        seen = (
            f"{len(as_declared)} of {len(roles)} with exactly the {statements} declared statements"
        )
        yield right("roles", seen)
    yield from _simulated(context, iam, roles)


def _faults(context: Context, iam: Any, role: str) -> Iterator[str]:
    declared = context.declared.statements(role)
    names = {
        each["name"] for each in context.declared.of(ROLE_POLICY).values() if each["role"] == role
    }
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    live_names = {name for page in pages for name in page["PolicyNames"]}
    for name in sorted(live_names - names):
        yield f"has the policy {name!r}, which the program does not declare"
    live: Statements = {}
    for name in sorted(names):
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        live |= by_sid(document)
    for sid in sorted(declared.keys() - live.keys()):
        yield f"lacks the statement {sid}: {summary_of(declared[sid])}"
    for sid in sorted(live.keys() - declared.keys()):
        found = summary_of(live[sid])
        yield f"has the statement {sid}, which the program does not declare: {found}"
    for sid in sorted(declared.keys() & live.keys()):
        if not agree(declared[sid], live[sid]):
            found, wanted = summary_of(live[sid]), summary_of(declared[sid])
            yield f"statement {sid} is {found}, declared is {wanted}"
    live_role, declared_role = (
        iam.get_role(RoleName=role)["Role"],
        context.declared.named(ROLE)[role],
    )
    trust = live_role["AssumeRolePolicyDocument"]
    if not agree(json.loads(declared_role["assumeRolePolicy"]), trust):
        yield f"its trust policy is not as declared: {json.dumps(trust)}"
    found = live_role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "none")
    if found != (wanted := declared_role.get("permissionsBoundary", "none")):
        yield f"its permissions boundary is {found}, declared is {wanted}"
    if live_role["Path"] != (wanted := declared_role.get("path", "/")):
        yield f"its path is {live_role['Path']}, declared is {wanted}"
    yield from _attached(context, iam, role)


def _attached(context: Context, iam: Any, role: str) -> Iterator[str]:
    declared = {
        each["policyArn"]
        for each in context.declared.of(ATTACHMENT).values()
        if each["role"] == role
    }
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    live = {each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]}
    for arn in sorted(live - declared):
        yield f"has {arn} attached, which the program does not declare"
    for arn in sorted(declared - live):
        yield f"lacks the attached policy {arn}"


def _simulated(context: Context, iam: Any, roles: list[str]) -> Iterator[Verdict]:
    allowed = all_tried = 0
    for role in roles:
        context.say(f"permissions: simulating {role}")
        for sid, statement in context.declared.statements(role).items():
            try:
                denied, tried = denied_by_simulation(iam, role, statement)
            except iam.exceptions.NoSuchEntityException:
                break
            except ClientError as error:
                code = code_of(error)
                outcome = not_tried if code in ("AccessDenied", "InvalidAction") else not_checked
                way_out = "allow iam:SimulatePrincipalPolicy to the caller"
                yield outcome("simulation", f"IAM returned {code} for {role}", way_out)
                return
            allowed += tried - len(denied)
            all_tried += tried
            yield from (
                wrong(
                    f"role {role}",
                    f"{action} would be denied ({decision}), declared by {sid}",
                    f"{context.deployment.repair}; if that fails, look for a boundary or an SCP",
                )
                for action, decision in denied
            )
    if allowed:
        yield right("simulation", f"{allowed} declared permissions are allowed")
    if not all_tried:
        yield not_tried("simulation", "nothing to simulate", "see the roles above")
