"""The handshake: the age that a client asks for, the authorizer, and $connect."""

from websocket_gateway.authorizers import authorize
from websocket_gateway.connections import Connection
from websocket_gateway.deployments import live
from websocket_gateway.failures import TIMED_OUT, HandshakeRefused, IntegrationError
from websocket_gateway.integrations import integrate
from websocket_gateway.limits import LIFETIME_SECONDS
from websocket_gateway.shapes import Json

AGE_PARAMETER = "connectionAgeMinutes"


async def connect(
    connection: Connection, headers: dict[str, list[str]], parameters: dict[str, list[str]]
) -> None:
    """Authorizer and $connect; raises HandshakeRefused."""
    connection.connected_at -= _asked_age_seconds(parameters)
    snapshot = live(connection.api_id, connection.stage)
    if snapshot is None:
        raise HandshakeRefused(403)
    route = snapshot.routes.get("$connect")
    if route is None:
        return
    handshake: Json = {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
    }
    if parameters:
        handshake["queryStringParameters"] = {name: each[-1] for name, each in parameters.items()}
        handshake["multiValueQueryStringParameters"] = parameters
    if route["authorizationType"] != "NONE":
        authorizer = snapshot.authorizers.get(route.get("authorizerId", ""))
        if authorizer is None:
            raise HandshakeRefused(500)
        connection.authorizer = await authorize(connection, authorizer, handshake)
    context = connection.context("$connect", "CONNECT")
    event = {**handshake, "requestContext": context, "isBase64Encoded": False}
    try:
        status = (await integrate(connection, snapshot, route, event))["statusCode"]
    except IntegrationError as failure:
        raise HandshakeRefused(504 if failure.message == TIMED_OUT else 502) from failure
    if not 200 <= status < 300:
        raise HandshakeRefused(status if 300 <= status < 600 else 500)


def _asked_age_seconds(parameters: dict[str, list[str]]) -> float:
    """The age that a client gives its connection, 0 without one; raises HandshakeRefused."""
    try:
        seconds = float(parameters.get(AGE_PARAMETER, ["0"])[-1]) * 60
    except ValueError:
        raise HandshakeRefused(400) from None
    if not 0 <= seconds < LIFETIME_SECONDS:
        raise HandshakeRefused(400)
    return seconds
