"""Functions, executed as MiniStack executes any other invocation."""

import asyncio
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import apigateway, lambda_svc

from websocket_gateway.background import in_background
from websocket_gateway.connections import Connection
from websocket_gateway.failures import FAILED, TIMED_OUT, IntegrationError
from websocket_gateway.shapes import Json


async def invoke(connection: Connection, uri: str, timeout_milliseconds: int, event: Json) -> Any:
    """The function's answer; raises IntegrationError. A function that is late goes on running."""
    function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        apigateway._extract_lambda_ref_from_integration_uri(uri),
        account_id=connection.account_id,
        region=connection.region,
    )
    if function is None or config is None:
        raise IntegrationError(FAILED)
    record = lambda_svc._execution_record_for_config(function, config)
    execute = lambda_svc._execute_function_with_config_scope
    invocation = in_background(run_reentrant(execute, record, event))
    await asyncio.wait({invocation}, timeout=timeout_milliseconds / 1000)
    if not invocation.done():
        raise IntegrationError(TIMED_OUT)
    result = invocation.result()
    if result.get("error") or result.get("throttle"):
        raise IntegrationError(FAILED, (result.get("body") or {}).get("errorMessage", ""))
    return result.get("body")
