"""Functions whose result nobody waits for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Task = TypeVar("Task", bound=msgspec.Struct)


class AsynchronousFunction(Generic[Task]):
    """Its client is built at the first use."""

    def __init__(self, client: "Callable[[], LambdaClient]", function_name: str) -> None:
        self._client = client
        self._function_name = function_name

    def start(self, task: Task) -> None:
        """Queue the task; it runs in an invocation of its own."""
        self._client().invoke(
            FunctionName=self._function_name,
            InvocationType="Event",
            Payload=msgspec.json.encode(task),
        )
