"""A request authorizer: what it is asked, and what its policy says of the client."""

from ministack.core.arn import execute_api_route_arn
from ministack.services import apigateway
from ministack.services.apigateway_v1 import _stringify_context

from websocket_gateway.connections import Connection
from websocket_gateway.failures import HandshakeRefused, IntegrationError
from websocket_gateway.functions import invoke
from websocket_gateway.shapes import Json

TIMEOUT_MILLISECONDS = 30_000


async def authorize(connection: Connection, authorizer: Json, handshake: Json) -> Json:
    """What the authorizer says of the client; raises HandshakeRefused."""
    parameters = handshake.get("multiValueQueryStringParameters")
    has_sources, _ = apigateway._request_authorizer_identity_sources(
        authorizer["identitySource"], handshake["headers"], parameters, {}
    )
    if not has_sources:
        raise HandshakeRefused(401)
    method_arn = execute_api_route_arn(
        connection.region, connection.account_id, connection.api_id, connection.stage, "$connect"
    )
    event = {
        "type": "REQUEST",
        "methodArn": method_arn,
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        **handshake,
        "requestContext": connection.context("$connect", "CONNECT"),
    }
    try:
        answer = await invoke(connection, authorizer["authorizerUri"], TIMEOUT_MILLISECONDS, event)
    except IntegrationError as failure:
        status = 401 if failure.function_error == "Unauthorized" else 500
        raise HandshakeRefused(status) from failure
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get("policyDocument"), dict)
        or not isinstance(answer.get("principalId"), str)
        or not isinstance(answer.get("context", {}), dict)
    ):
        raise HandshakeRefused(500)
    if apigateway._evaluate_authorizer_policy(answer["policyDocument"], method_arn) != "Allow":
        raise HandshakeRefused(403)
    return {**_stringify_context(answer.get("context")), "principalId": answer["principalId"]}
