"""What an open connection's functions are called for: a client's message, and the end."""

import contextlib

from websocket_gateway.connections import Connection, new_id
from websocket_gateway.deployments import live
from websocket_gateway.failures import FORBIDDEN, IntegrationError
from websocket_gateway.integrations import integrate


async def answer(connection: Connection, text: str) -> None:
    """Call the function of a message's route; its reply goes back through a route response."""
    snapshot = live(connection.api_id, connection.stage)
    route = snapshot and snapshot.route_of(text)
    route_key = route["routeKey"] if route else "$default"
    context = connection.context(route_key, "MESSAGE", messageId=new_id())
    if not snapshot or not route:
        connection.post_error(FORBIDDEN, context["requestId"])
        return
    event = {"requestContext": context, "body": text, "isBase64Encoded": False}
    try:
        response = await integrate(connection, snapshot, route, event)
    except IntegrationError as failure:
        connection.post_error(failure.message, context["requestId"])
        return
    if response.get("body") and route["routeId"] in snapshot.answering_route_ids:
        connection.post(response["body"])


async def disconnect(connection: Connection) -> None:
    """Tell $disconnect how the connection was closed; nobody hears whether that went well."""
    snapshot = live(connection.api_id, connection.stage)
    route = snapshot and snapshot.routes.get("$disconnect")
    if not snapshot or not route:
        return
    code, reason = connection.closed.result()
    context = connection.context(
        "$disconnect", "DISCONNECT", disconnectStatusCode=code, disconnectReason=reason
    )
    headers = {"Host": context["domainName"], "x-api-key": "", "X-Forwarded-For": ""}
    event = {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    with contextlib.suppress(IntegrationError):
        await integrate(connection, snapshot, route, event)
