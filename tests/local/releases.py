"""Another version of one function, served for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from contract.functions import LIVE


@contextmanager
def serving(
    functions: Any, name: str, *, code: bytes | None = None, **configuration: Any
) -> Iterator[None]:
    """Publish a version with this code and configuration, and move the alias to it.

    `functions` is the Lambda client. Afterwards the alias is back, and so is the configuration from
    which the next version would be made; its code is not.
    """
    before = functions.get_function_configuration(FunctionName=name, Qualifier=LIVE)
    version = functions.get_alias(FunctionName=name, Name=LIVE)["FunctionVersion"]
    if configuration:
        functions.update_function_configuration(FunctionName=name, **configuration)
    if code is not None:
        functions.update_function_code(FunctionName=name, ZipFile=code)
    _serve(functions, name, functions.publish_version(FunctionName=name)["Version"])
    try:
        yield
    finally:
        _serve(functions, name, version)
        if configuration:
            functions.update_function_configuration(
                FunctionName=name, **{key: before[key] for key in configuration}
            )


def _serve(functions: Any, name: str, version: str) -> None:
    functions.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=version)
