"""What a function is given: permissions, together with the variables that they are used with.

The component that owns a resource makes the grants for it, so no function has a permission without
the name of its resource.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.policies import Statement
from contract.functions import Function

Variables = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The least statements for one use of a resource, and the environment variables for it."""

    statements: tuple[Statement, ...] = ()
    variables: Variables = field(default_factory=dict[str, pulumi.Input[str]])


def environment_of(
    function: Function, grants: Sequence[Grant], settings: Mapping[str, str]
) -> dict[str, pulumi.Input[str]]:
    """The variables that `function` reads: those of its grants, then those of the stack's settings.

    Several grants of one resource may have the same variable. Raises `ValueError` for a variable
    that the function does not read, that nothing provides, or that has two values.
    """
    record = f"{function.environment.__name__} (contract/functions.py)"
    given: dict[str, pulumi.Input[str]] = {}
    for grant in grants:
        for name, value in grant.variables.items():
            if name not in function.variables:
                raise ValueError(
                    f"Function {function.entry} is granted {name}, which it does not read: add"
                    f" {name.lower()} to {record}, or remove the grant."
                )
            if name in settings or given.setdefault(name, value) != value:
                raise ValueError(
                    f"Function {function.entry} has two values for {name}: remove the grant or the"
                    " setting that should not be there."
                )
    if missing := [name for name in function.variables if name not in {*given, *settings}]:
        raise ValueError(
            f"Function {function.entry} reads {', '.join(missing)}, which nothing provides: add a"
            " grant that does, add the setting to setting_variables"
            " (components/handler_function/platform.py),"
            f" or remove it from {record}."
        )
    return {name: given[name] if name in given else settings[name] for name in function.variables}
