"""The stack's IAM roles. They are made here alone, so that each follows the organization's rules.

A permissions boundary is changed in place. A path is not: it is part of the role's ARN, so another
path is another role, and roles have fixed names. An existing stack therefore keeps its path.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

ROLE_TYPE = "aws:iam/role:Role"
# Answered by the engine itself, from the stack's state.
READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
_NO_PATH = "/"


class RolePathError(pulumi.RunError):
    """`rolePath` differs from the path of the stack's roles; the message has both and the way out.

    Of a `RunError`, Pulumi prints the message alone, without a traceback.
    """


@dataclass(frozen=True, kw_only=True)
class RoleRules:
    """What the organization asks of every role; `None` where it asks nothing.

    `path` begins and ends with `/`.
    """

    permissions_boundary_arn: str | None = None
    path: pulumi.Input[str] | None = None


def role_rules(*, permissions_boundary_arn: str, path: str) -> RoleRules:
    """The rules of the stack that runs, both empty where there is none.

    A stack whose state has the roles under another path than the one given is refused with
    `RolePathError` before any role is touched, in a preview too. Without a path the state is not
    read: AWS refuses the second role of a name.
    """
    return RoleRules(
        permissions_boundary_arn=permissions_boundary_arn or None,
        path=_path_of_this_stack(path) if path else None,
    )


def service_role(
    name: str,
    *,
    trust_policy: pulumi.Input[str],
    rules: RoleRules,
    physical_name: str | None = None,
    opts: ResourceOptions,
) -> aws.iam.Role:
    """A role that a service assumes; Pulumi names it if it has no `physical_name`."""
    return aws.iam.Role(
        name,
        name=physical_name,
        assume_role_policy=trust_policy,
        path=rules.path,
        permissions_boundary=rules.permissions_boundary_arn,
        opts=opts,
    )


def _path_of_this_stack(path: str) -> pulumi.Output[str]:
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    state = pulumi.runtime.invoke_async(READ_STATE, {"stackName": stack})
    return pulumi.Output.from_input(state).apply(lambda found: _unchanged(path, found["outputs"]))


def _unchanged(path: str, resources: Mapping[str, Mapping[str, Any]]) -> str:
    """The path, if the fixed names of the roles in the state are free or theirs under this path."""
    for resource in resources.values():
        if resource["type"] != ROLE_TYPE:
            continue
        before = _path_in(resource["outputs"].get("arn", ""))
        if before not in (path, ""):
            raise RolePathError(
                f"rolePath is {path!r}, and the roles of stack {pulumi.get_stack()!r} have"
                f" {before!r}: a path cannot change, since it replaces roles whose names are fixed."
                f" {_way_out(before)}, or create another stack with the new path: see"
                " Organizations' rules in docs/operations.md."
            )
    return path


def _path_in(role_arn: str) -> str:
    """The path in a role's ARN; empty if there is no ARN, of a role that was never finished."""
    resource = role_arn.partition(":role")[2]
    return resource[: resource.rfind("/") + 1]


def _way_out(before: str) -> str:
    return "Unset rolePath" if before == _NO_PATH else f"Set rolePath to {before!r} again"
