"""What a WebSocket API and its authorizers say of themselves; MiniStack says an HTTP API's."""

import json
import os
from http import HTTPStatus

from ministack.services import apigateway

from websocket_gateway.connections import Json, Response

# https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
AUTHORIZER_FIELDS_OF_HTTP_APIS = (
    "authorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds",
    "enableSimpleResponses",
    "jwtConfiguration",
)

_stock_create_api = apigateway._create_api
_stock_create_authorizer = apigateway._create_authorizer


def create_api(data: Json) -> Response:
    """Create the API in MiniStack; that of a WebSocket API is reached at its `ws://` endpoint."""
    status, headers, body = _stock_create_api(data)
    if status != HTTPStatus.CREATED:
        return status, headers, body
    api = json.loads(body)
    if api["protocolType"] == "WEBSOCKET":
        api["apiEndpoint"] = api_endpoint(api["apiId"])
        apigateway._apis[api["apiId"]]["apiEndpoint"] = api["apiEndpoint"]
    return status, headers, json.dumps(api).encode()


def create_authorizer(api_id: str, data: Json) -> Response:
    """Create the authorizer in MiniStack, without the defaults of an HTTP API's."""
    status, headers, body = _stock_create_authorizer(api_id, data)
    if status != HTTPStatus.CREATED or apigateway._apis[api_id]["protocolType"] != "WEBSOCKET":
        return status, headers, body
    authorizer = json.loads(body)
    kept = apigateway._authorizers[api_id][authorizer["authorizerId"]]
    for field in AUTHORIZER_FIELDS_OF_HTTP_APIS:
        if field not in data:
            authorizer.pop(field, None)
            kept.pop(field, None)
    return status, headers, json.dumps(authorizer).encode()


def api_endpoint(api_id: str) -> str:
    """Return the URL to which the stage's name is added; by path, since no name server is asked."""
    address = f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    return f"ws://{address}/_aws/execute-api/{api_id}"
