"""API Gateway's WebSocket data plane for MiniStack, in place of its stock one.

Follows the service in what a client or a function can notice: deployed snapshots, the authorizer,
concurrent invocations, integration timeouts, route responses, size limits, close codes, the events'
fields and @connections. Lambda proxy integrations only. One thing is its own: who connects with
`connectionAgeMinutes=101` has been connected for so long already, and meets what comes with age.

It leans on private functions of MiniStack and Hypercorn and is pinned therefore;
tests/local/emulator tells whether another version will do.
"""

import importlib.metadata

import hypercorn.protocol.h2
import hypercorn.protocol.h11
from ministack.services import apigateway

from websocket_gateway.connections_api import handle_connections_api
from websocket_gateway.deployments import create_deployment
from websocket_gateway.frames import FrameCheckingStream
from websocket_gateway.sockets import handle_websocket

MINISTACK_VERSION = "1.5.33"


def install() -> None:
    """Put this front into MiniStack and Hypercorn; raises RuntimeError for another MiniStack."""
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(
            f"websocket_gateway is written for MiniStack {MINISTACK_VERSION}, not {installed}: "
            "run `make setup`, or change the version and let tests/local/emulator judge"
        )
    apigateway._create_deployment = create_deployment
    apigateway.handle_websocket = handle_websocket
    apigateway.handle_connections_api = handle_connections_api
    hypercorn.protocol.h11.WSStream = hypercorn.protocol.h2.WSStream = FrameCheckingStream
