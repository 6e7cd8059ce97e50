"""The address of a WebSocket API's sockets, which MiniStack says to be an HTTP one."""

import json
import os
from http import HTTPStatus

from ministack.services import apigateway

from websocket_gateway.connections import Json, Response

_stock_create_api = apigateway._create_api


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


def api_endpoint(api_id: str) -> str:
    """Return the URL to which the stage's name is added; by path, since no name server is asked."""
    address = f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    return f"ws://{address}/_aws/execute-api/{api_id}"
