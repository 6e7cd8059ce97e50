"""A function that could not start tells the reason in its log, as on Lambda.

MiniStack keeps that reason, such as a failed import, for the caller alone.
"""

from typing import Any

from ministack.services import lambda_svc

_execute_function_warm = lambda_svc._execute_function_warm


def install() -> None:
    """Put this into MiniStack, which looks the function up at each call."""
    lambda_svc._execute_function_warm = _execute_and_log


def _execute_and_log(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    result = _execute_function_warm(func, event, request_id)
    if result.get("error") and not result.get("throttle") and not result.get("log"):
        result["log"] = f"[ERROR] {result['body']['errorMessage']}"
    return result
