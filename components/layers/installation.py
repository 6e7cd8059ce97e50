"""A layer's contents on disk: what its lock lists, installed by pip for another Python."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from components.layers.wheels import Target, foreign_wheels, pinned_requirements

PIP_TIMEOUT_SECONDS = 300
COMPILE_TIMEOUT_SECONDS = 120


class LayerBuildError(RuntimeError):
    """A layer could not be built; the message names it, the reason and the way out."""


@dataclass(frozen=True, kw_only=True)
class LayerSource:
    """A layer's contents: a lock with hashes, and packages of our own that ship with it."""

    name: str
    lock: Path
    packages: tuple[Path, ...] = ()

    def files(self) -> list[tuple[str, Path]]:
        """Our own files by their place in the archive, sorted; no bytecode of this machine's."""
        return sorted(
            (path.relative_to(package.parent).as_posix(), path)
            for package in self.packages
            for path in package.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        )


def has_bytecode(target: Target) -> bool:
    """Only this interpreter's own minor version can be compiled for here."""
    return target.minor_version == sys.version_info[:2]


def install(source: LayerSource, target: Target, scratch: Path, contents: Path) -> None:
    """Puts the packages of the source's lock into `contents`; raises `LayerBuildError`."""
    wanted = pinned_requirements(source.lock.read_text(), target.marker_environment)
    lock = scratch / "lock.txt"
    lock.write_text("".join(f"{line}\n" for line in wanted.values()))
    # pip judges environment markers by its own interpreter: they are judged above instead, and
    # since the lock is complete nothing is left for pip to resolve.
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile"),
        *("--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"),
        *target.pip_options(),
        *("--target", str(contents), "--requirement", str(lock)),
    ]
    _run(command, f"Layer {source.name} for {target}: pip", PIP_TIMEOUT_SECONDS)
    found = {canonicalize_name(path.name.split("-")[0]) for path in contents.glob("*.dist-info")}
    if found != set(wanted):
        raise LayerBuildError(
            f"Layer {source.name} for {target} holds {sorted(found)}, but {source.lock.name} asks"
            f" for {sorted(wanted)}: renew the lock with `make lock`."
        )
    if foreign := foreign_wheels(contents, target):
        raise LayerBuildError("\n".join([f"Layer {source.name} would not load:", *foreign]))


def compile_bytecode(source: LayerSource, target: Target, contents: Path) -> None:
    """Bytecode that is never checked against its source: a layer is read-only."""
    if not has_bytecode(target):
        return
    command = [
        *(sys.executable, "-I", "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(contents), "-p", "/opt/python", str(contents)),
    ]
    _run(command, f"Layer {source.name}: compileall", COMPILE_TIMEOUT_SECONDS)


def _run(command: list[str], what: str, timeout_seconds: int) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, with arguments made above
            command, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise LayerBuildError(
            f"{what} took more than {timeout_seconds} s: check the way to the package index."
        ) from None
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
        raise LayerBuildError(
            "\n  ".join([f"{what} ended with code {done.returncode}:", *reasons[-8:]])
        )
