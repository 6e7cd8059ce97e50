"""The stack's IAM roles. They are made here alone, so that each follows the organization's rules.

A permissions boundary is changed in place. A path is not: it is part of the role's ARN, so another
path is another role, and roles have fixed names. An existing stack therefore keeps its path.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.stack_state import Resources

ROLE_TYPE = "aws:iam/role:Role"
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
    path: pulumi.Input[str | None] = None


def role_rules(
    *, prefix: str, permissions_boundary_arn: str, path: str, state: pulumi.Output[Resources]
) -> RoleRules:
    """The rules of the stack with this state, whose role names start with `prefix`; both may be
    empty.

    A stack whose state has the roles under another path than the one given, or under one if none
    is given, is refused with `RolePathError` before any role is touched, in a preview too.
    """
    return RoleRules(
        permissions_boundary_arn=permissions_boundary_arn or None,
        path=_path_of_this_stack(prefix, path, state),
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


def _path_of_this_stack(
    prefix: str, path: str, state: pulumi.Output[Resources]
) -> pulumi.Output[str | None]:
    unchanged = state.apply(lambda found: _unchanged(path or _NO_PATH, prefix, found))
    return unchanged.apply(lambda checked: None if checked == _NO_PATH else checked)


def _unchanged(path: str, prefix: str, resources: Resources) -> str:
    """The path, if no role in the state has a fixed name under another path."""
    for resource in resources.values():
        name = str(resource["outputs"].get("arn", "")).partition(":role")[2]
        before, _, last = name.rpartition("/")
        if resource["type"] != ROLE_TYPE or not last.startswith(f"{prefix}-"):
            continue
        if (before := f"{before}/") != path:
            raise RolePathError(
                f"rolePath is {'not set' if path == _NO_PATH else repr(path)}, and the roles of"
                f" stack {pulumi.get_stack()!r} have {before!r}: a path cannot change, since it"
                " replaces roles whose names are fixed."
                f" {_way_out(before)}, or create another stack with the new path: see"
                " Organizations' rules in docs/operations.md."
            )
    return path


def _way_out(before: str) -> str:
    return "Unset rolePath" if before == _NO_PATH else f"Set rolePath to {before!r} again"
