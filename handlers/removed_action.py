"""Refuses the messages of removed routes as `$default` refuses unknown actions; it does no more."""

from collections.abc import Mapping
from typing import Any

from contract.actions import ROUTED_ACTIONS
from contract.functions import RemovedActionEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.wire.requests import AUDIO_MESSAGES, MessageHandler
from live_sessions.wire.sockets import Sockets


def build(environment: RemovedActionEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of whatever route points to it: a reply, or a post where the route has none."""
    reply = MessageHandler(function="removed_action", answers={}, clock=clock)
    post = MessageHandler(
        function="removed_action",
        answers={},
        clock=clock,
        size_limit=AUDIO_MESSAGES,
        refusals=Sockets.at(environment.api_gateway_endpoint, clients, clock),
    )

    def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        action = ROUTED_ACTIONS.get(event["requestContext"]["routeKey"])
        is_silent = action is not None and action.reply is None
        return (post if is_silent else reply)(event, context)

    return handle


handler = build(read_environment(RemovedActionEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
