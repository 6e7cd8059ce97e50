"""A route's integration: its function, called within the timeout and held to a proxy response."""

from websocket_gateway.connections import Connection
from websocket_gateway.deployments import Snapshot
from websocket_gateway.failures import FAILED, IntegrationError
from websocket_gateway.functions import invoke
from websocket_gateway.limits import MAX_TIMEOUT_MILLISECONDS
from websocket_gateway.shapes import Json


async def integrate(connection: Connection, snapshot: Snapshot, route: Json, event: Json) -> Json:
    """The function's proxy response; raises IntegrationError."""
    integration = snapshot.integrations.get(route["target"].removeprefix("integrations/"), {})
    timeout_milliseconds = integration.get("timeoutInMillis", MAX_TIMEOUT_MILLISECONDS)
    response = await invoke(
        connection,
        integration.get("integrationUri", ""),
        min(timeout_milliseconds, MAX_TIMEOUT_MILLISECONDS),
        event,
    )
    if (
        not isinstance(response, dict)
        or not isinstance(response.get("statusCode"), int)
        or not isinstance(response.get("body"), str | None)
    ):
        raise IntegrationError(FAILED)
    return response
