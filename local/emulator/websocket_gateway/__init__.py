"""API Gateway's WebSocket data plane for MiniStack, in place of its stock one.

It behaves as the service does wherever a client or a function can see a difference: deployed
snapshots, the authorizer, concurrent invocations, integration timeouts, route responses, size
limits, close codes, the events' fields and @connections. Lambda proxy integrations only. One
feature is an addition: a connection opened with `connectionAgeMinutes=101` counts as that old.
"""

import importlib.metadata

import hypercorn.protocol.h2
import hypercorn.protocol.h11
import hypercorn.protocol.ws_stream
from ministack.services import apigateway

from websocket_gateway.connections import handle_connections_api
from websocket_gateway.deflate import MeasuredDeflate
from websocket_gateway.deployments import create_deployment
from websocket_gateway.descriptions import create_api, create_authorizer
from websocket_gateway.sockets import FrameCheckingStream, handle_websocket

MINISTACK_VERSION = "1.5.33"


def install() -> None:
    """Replace functions of MiniStack and Hypercorn; raises RuntimeError for another MiniStack."""
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(
            f"websocket_gateway is written for MiniStack {MINISTACK_VERSION}, not {installed}: "
            "run `make setup`, or change the version and run tests/local/emulator"
        )
    apigateway._create_api = create_api
    apigateway._create_authorizer = create_authorizer
    apigateway._create_deployment = create_deployment
    apigateway.handle_websocket = handle_websocket
    apigateway.handle_connections_api = handle_connections_api
    hypercorn.protocol.h11.WSStream = hypercorn.protocol.h2.WSStream = FrameCheckingStream
    hypercorn.protocol.ws_stream.PerMessageDeflate = MeasuredDeflate
