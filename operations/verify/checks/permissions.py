"""Each role holds the statements that the program declares and nothing more, and they suffice."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operations.verify.deployment import code_of
from operations.verify.policy_documents import Statements, agree, by_sid, told
from operations.verify.scene import Scene
from operations.verify.simulation import denied_by_simulation
from operations.verify.verdicts import Verdict, broken, right, untried, wrong

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def permissions(scene: Scene) -> Iterator[Verdict]:
    iam, repair = scene.deployment.client("iam"), scene.deployment.repair
    statements = 0
    roles = list(scene.declared.named(ROLE))
    as_declared: list[str] = []
    for role in roles:
        try:
            faults = list(_faults(scene, iam, role))
        except iam.exceptions.NoSuchEntityException:
            faults = ["does not exist, or its policy does not"]
        yield from (wrong(f"role {role}", fault, repair) for fault in faults)
        if not faults:
            as_declared.append(role)
            statements += len(scene.declared.statements(role))
    if as_declared:
        seen = f"{len(as_declared)} of {len(roles)} with their {statements} statements, no more"
        yield right("roles", seen)
    yield from _simulated(scene, iam, roles)


def _faults(scene: Scene, iam: Any, role: str) -> Iterator[str]:
    declared = scene.declared.statements(role)
    names = {
        each["name"] for each in scene.declared.of(ROLE_POLICY).values() if each["role"] == role
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
        yield f"lacks the statement {sid}: {told(declared[sid])}"
    for sid in sorted(live.keys() - declared.keys()):
        yield f"has the statement {sid}, which the program does not declare: {told(live[sid])}"
    for sid in sorted(declared.keys() & live.keys()):
        if not agree(declared[sid], live[sid]):
            yield f"statement {sid} is {told(live[sid])}, declared is {told(declared[sid])}"
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    if not agree(json.loads(scene.declared.named(ROLE)[role]["assumeRolePolicy"]), trust):
        yield f"may be assumed otherwise than declared: {json.dumps(trust)}"
    yield from _attached(scene, iam, role)


def _attached(scene: Scene, iam: Any, role: str) -> Iterator[str]:
    declared = {
        each["policyArn"] for each in scene.declared.of(ATTACHMENT).values() if each["role"] == role
    }
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    live = {each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]}
    for arn in sorted(live - declared):
        yield f"has {arn} attached, which the program does not declare"
    for arn in sorted(declared - live):
        yield f"lacks the attached policy {arn}"


def _simulated(scene: Scene, iam: Any, roles: list[str]) -> Iterator[Verdict]:
    allowed = all_tried = 0
    for role in roles:
        scene.say(f"permissions: simulating what {role} does")
        for sid, statement in scene.declared.statements(role).items():
            try:
                denied, tried = denied_by_simulation(iam, role, statement)
            except iam.exceptions.NoSuchEntityException:
                break
            except ClientError as error:
                code = code_of(error)
                outcome = untried if code in ("AccessDenied", "InvalidAction") else broken
                way_out = "let whoever verifies use iam:SimulatePrincipalPolicy"
                yield outcome("simulation", f"IAM answers {code} for {role}", way_out)
                return
            allowed += tried - len(denied)
            all_tried += tried
            yield from (
                wrong(
                    f"role {role}",
                    f"{action} would be denied ({decision}), declared by {sid}",
                    f"{scene.deployment.repair}; if it stays, look for a boundary or an SCP",
                )
                for action, decision in denied
            )
    if allowed:
        yield right("simulation", f"{allowed} declared permissions would be allowed")
    if not all_tried:
        yield untried("simulation", "there was nothing to simulate", "see the roles above")
