"""How functions are invoked: through an alias that is on one published version.

A version keeps its code, layers and variables. A release publishes the next one and then moves the
alias, so all three change at once, and moving the alias back undoes it.
"""

import pulumi

from components.policies import Statement
from contract.functions import LIVE

WITHOUT_QUALIFIER = None

QUALIFIERS: tuple[str | None, ...] = (WITHOUT_QUALIFIER, LIVE)
"""How a function may be invoked: permissions, statements and asynchronous settings exist for each.

Nothing of this release invokes a function without its alias, but the release before does, and its
versions run beside this one during the upgrade and after a rollback. Remove `WITHOUT_QUALIFIER` one
release later (docs/adr/0014-versions-and-an-alias.md).
"""


def name_for(name: str, qualifier: str | None) -> str:
    """The name of a resource that exists for each qualifier, before its last word.

    >>> name_for("status-tick", None), name_for("status-tick", "live")
    ('status-tick', 'status-tick-live')
    """
    return name if qualifier is None else f"{name}-{qualifier}"


def invoke_statement(sid: str, function_arn: pulumi.Input[str]) -> Statement:
    """The permission to invoke a function, given the ARN that it has without a qualifier."""
    return Statement(
        sid=sid,
        actions=("lambda:InvokeFunction",),
        resources=tuple(
            function_arn
            if qualifier is None
            else pulumi.Output.concat(function_arn, ":", qualifier)
            for qualifier in QUALIFIERS
        ),
    )
