"""Another version of one function, served for the time of a test."""

import io
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.layers.function_layers import SHARED
from components.layers.packaging import LayerSource
from contract.functions import LIVE
from program.stack_config import ROOT
from tests.patience import OUT_OF_REACH_SECONDS

DOWNLOAD_TIMEOUT_SECONDS = 60

OWN_MODULES_FIRST = "import pathlib, sys; sys.path.insert(0, str(pathlib.Path(__file__).parent))\n"
"""As Lambda does it; MiniStack looks into the layers first."""


def archive_of(checkout: Path, entry: str) -> bytes:
    """An entry of a checkout with that checkout's own modules, which hide those in today's layer.

    Of the packages that today's layer has, a checkout may lack some, and then its code uses none
    of them.
    """
    packages = [checkout / package.relative_to(ROOT) for package in SHARED.packages]
    own = LayerSource(
        name="own",
        lock=SHARED.lock,
        packages=tuple(package for package in packages if package.is_dir()),
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        code = (checkout / "handlers" / f"{entry}.py").read_text()
        files.writestr(f"{entry}.py", OWN_MODULES_FIRST + code)
        for place, path in own.files():
            files.write(path, place)
    return archive.getvalue()


@contextmanager
def serving(
    functions: Any,
    name: str,
    *,
    code: bytes | None = None,
    is_deleted: bool = False,
    **configuration: Any,
) -> Iterator[None]:
    """Publish a version with this code and configuration, and move the alias to it.

    `functions` is the Lambda client. Afterwards the alias is back, and so is that from which the
    next version would be made. The version stays, for what still runs on it, unless `is_deleted`.
    """
    before = functions.get_function_configuration(FunctionName=name, Qualifier=LIVE)
    code_before = b"" if code is None else downloaded_code(functions, name)
    served = functions.get_alias(FunctionName=name, Name=LIVE)["FunctionVersion"]
    if configuration:
        functions.update_function_configuration(FunctionName=name, **configuration)
    if code is not None:
        functions.update_function_code(FunctionName=name, ZipFile=code)
    # A version keeps the state, too, that its function has at this moment.
    functions.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": OUT_OF_REACH_SECONDS}
    )
    version = functions.publish_version(FunctionName=name)["Version"]
    _serve(functions, name, version)
    try:
        yield
    finally:
        _serve(functions, name, served)
        if configuration:
            functions.update_function_configuration(
                FunctionName=name, **{key: before[key] for key in configuration}
            )
        if code is not None:
            functions.update_function_code(FunctionName=name, ZipFile=code_before)
        if is_deleted:
            functions.delete_function(FunctionName=name, Qualifier=version)


def downloaded_code(functions: Any, name: str, qualifier: str = LIVE) -> bytes:
    """The archive with a version's code; by default of the one that serves."""
    location = functions.get_function(FunctionName=name, Qualifier=qualifier)["Code"]["Location"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(location, timeout=DOWNLOAD_TIMEOUT_SECONDS) as answer:
        return answer.read()


def _serve(functions: Any, name: str, version: str) -> None:
    functions.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=version)
