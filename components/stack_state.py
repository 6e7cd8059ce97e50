"""The resources that the stack which runs has from its last update. Pulumi's engine answers."""

from collections.abc import Awaitable, Mapping
from typing import Any

import pulumi

READ_STATE = "pulumi:pulumi:readStackResourceOutputs"

Resources = Mapping[str, Mapping[str, Any]]
"""By URN: the `type` and the `outputs` of each."""


def resources_of_this_stack() -> pulumi.Output[Resources]:
    """What the state has; a new stack has nothing."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    state: Awaitable[Any] = pulumi.runtime.invoke_async(READ_STATE, {"stackName": stack})
    return pulumi.Output.from_input(state).apply(lambda found: found["outputs"])
