"""The whole program as an inline program of the Automation API, of this or another checkout."""

import importlib
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi

from program.stack_config import ROOT

Program = Callable[[], None]
_modules_lock = threading.Lock()


def whole_program(
    root: Path = ROOT, transforms: tuple[pulumi.ResourceTransform, ...] = ()
) -> Program:
    """`__main__.py` of a checkout, with a team's transforms; each run reads its modules afresh."""

    def program() -> None:
        with _modules_of(root):
            if transforms:
                chosen: Any = importlib.import_module("components.transforms")
                chosen.TRANSFORMS = transforms
            runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    return program


@contextmanager
def _modules_of(root: Path) -> Iterator[None]:
    """Imports come from `root`, anew; afterwards the modules are those of before."""
    packages = {path.stem for folder in (ROOT, root) for path in folder.iterdir()} - {"tests"}

    def take_out() -> dict[str, ModuleType]:
        taken = [name for name in sys.modules if name.partition(".")[0] in packages]
        return {name: sys.modules.pop(name) for name in taken}

    with _modules_lock:
        before = take_out()
        sys.path.insert(0, str(root))
        try:
            yield
        finally:
            sys.path.remove(str(root))
            take_out()
            sys.modules.update(before)
