"""A Lambda function with its role, log group and permissions."""

from components.handler_function.arguments import (
    AsynchronousInvocation,
    FunctionPlatform,
    HandlerFunctionArgs,
)
from components.handler_function.function import HandlerFunction

__all__ = ["AsynchronousInvocation", "FunctionPlatform", "HandlerFunction", "HandlerFunctionArgs"]
