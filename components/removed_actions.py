"""The function that refuses the messages of removed routes.

It exists always, so that a route is switched off and back on by changing its target alone. Its role
may post to connections and nothing else, so it cannot carry out any action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.session_api import Refusal, SessionApi, Target
from contract.actions import RETIRED_ACTIONS
from contract.functions import REMOVED_ACTION

# Two posts of one second each, and a cold start.
TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class RemovedActionsArgs:
    """`removed`: the actions that stack config removes, besides those that this release retires."""

    platform: FunctionPlatform
    api: SessionApi
    removed: Sequence[str]


class RemovedActions(pulumi.ComponentResource):
    """`refusal` is for `SessionApi.publish`."""

    function: HandlerFunction
    refusal: Refusal

    def __init__(
        self, name: str, args: RemovedActionsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:removed_actions:RemovedActions", name, None, opts)
        function = HandlerFunctionArgs(
            platform=args.platform,
            function=REMOVED_ACTION,
            memory_megabytes=128,
            timeout_seconds=TIMEOUT_SECONDS,
            grants=(args.api.managing_connections("POST"),),
        )
        self.function = HandlerFunction("removed-action", function, ResourceOptions(parent=self))
        self.refusal = Refusal(
            target=Target(function=self.function, timeout_milliseconds=1_000 * TIMEOUT_SECONDS),
            keys=frozenset({*args.removed, *RETIRED_ACTIONS}),
        )
        self.register_outputs({"functionName": self.function.name})
