"""The @connections API; MiniStack has checked execute-api:ManageConnections before."""

import json
from datetime import UTC, datetime

from ministack.services import apigateway

from websocket_gateway.connections import open_connection
from websocket_gateway.limits import MAX_MESSAGE_BYTES
from websocket_gateway.shapes import Json

Response = tuple[int, dict[str, str], bytes]


async def handle_connections_api(
    method: str, api_id: str, stage: str, connection_id: str, body: bytes, headers: dict[str, str]
) -> Response:
    connection = open_connection(api_id, stage, connection_id)
    if connection is None:
        return _error(410, "GoneException")
    if method == "GET":
        return _json(
            200,
            {
                "connectedAt": _iso8601(connection.connected_at),
                "lastActiveAt": _iso8601(connection.last_active_at),
                "identity": connection.identity,
            },
        )
    if method == "DELETE":
        connection.close(1000)
        return 204, {}, b""
    if method != "POST":
        return _error(403, "ForbiddenException")
    if len(body) > MAX_MESSAGE_BYTES:
        return _error(413, "PayloadTooLargeException")
    if not connection.post(apigateway._post_to_connection_text(body)):
        return _error(429, "LimitExceededException")
    return 200, {}, b""


def _json(status: int, content: Json, **headers: str) -> Response:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


def _error(status: int, code: str) -> Response:
    status, headers, body = _json(status, {"message": code})
    return status, {**headers, "x-amzn-ErrorType": code}, body


def _iso8601(epoch_seconds: float) -> str:
    at = datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")
