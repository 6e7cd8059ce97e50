"""A Lambda function with its role, log group and permissions."""

from components.handler_function.arguments import (
    MAXIMUM_TIMEOUT_SECONDS,
    AsynchronousInvocation,
    HandlerFunctionArgs,
)
from components.handler_function.function import HandlerFunction
from components.handler_function.platform import FunctionPlatform, function_platform

__all__ = [
    "MAXIMUM_TIMEOUT_SECONDS",
    "AsynchronousInvocation",
    "FunctionPlatform",
    "HandlerFunction",
    "HandlerFunctionArgs",
    "function_platform",
]
