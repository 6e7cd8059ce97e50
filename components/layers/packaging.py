"""Layers as archives: the packages of a lock, installed by uv for the target's Python, and packages
of our own, zipped reproducibly.

No resources. The same inputs give the same bytes from every builder, whatever its Python, user,
time zone or umask; bytecode alone differs. An archive is kept by the hash of its inputs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
from uv import find_uv_bin

from components.layers.target import Target

UV_TIMEOUT_SECONDS = 300
COMPILE_TIMEOUT_SECONDS = 120
# Of an archive that is uploaded directly: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAXIMUM_ARCHIVE_BYTES = 50 * 1024 * 1024
# To be raised when the same inputs give another archive.
_FORMAT = "2"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
_UNIX = 3
# Scripts have no use in a layer; the rest of uv's records differs from machine to machine.
_LEFT_OUT = frozenset(
    {"bin", ".lock", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
)


class LayerBuildError(pulumi.RunError):
    """A layer could not be built; the message names it, the reason and the way out.

    Of a `RunError`, Pulumi prints the message alone, without a traceback.
    """


@dataclass(frozen=True, kw_only=True)
class LayerSource:
    """A layer's contents: a lock with hashes, and packages of our own that ship with it."""

    name: str
    lock: Path
    packages: tuple[Path, ...] = ()

    def files(self) -> list[tuple[str, Path]]:
        """Our own files by their place in the archive, sorted, without what only this machine has:
        bytecode, hidden files and editors' backups.
        """
        return sorted(
            (path.relative_to(package.parent).as_posix(), path)
            for package in self.packages
            for path in package.rglob("*")
            if path.is_file()
            and not path.name.startswith(".")
            and not path.name.endswith((".pyc", "~"))
        )


def build_layer(source: LayerSource, target: Target, cache: Path) -> Path:
    """The layer's archive in `cache`, built if it is not there yet; raises `LayerBuildError`."""
    try:
        return _build_layer(source, target, cache)
    except OSError as error:
        raise LayerBuildError(
            f"Layer {source.name}: {error}; check that {cache} can be written, has free space and"
            " that `make setup` has run."
        ) from error


def _build_layer(source: LayerSource, target: Target, cache: Path) -> Path:
    for needed in (source.lock, *source.packages):
        if not needed.exists():
            raise LayerBuildError(
                f"Layer {source.name} needs {needed.name}, which does not exist: run from a full"
                " checkout."
            )
    if target.is_host and (problem := target.difference_from_host()):
        raise LayerBuildError(f"Layer {source.name}: {problem}")
    if target.bytecode and target.minor_version != sys.version_info[:2]:
        raise LayerBuildError(
            f"Layer {source.name}: layerBytecode needs a builder with {target.runtime}, and this"
            f" one has Python {sys.version.split()[0]}: run make clean and make setup"
            f" PYTHON={target.runtime}, or set layerBytecode to false."
        )
    archive = cache / f"{source.name}-{_fingerprint(source, target, source.files())}.zip"
    if archive.exists():
        return archive
    cache.mkdir(parents=True, exist_ok=True)
    dependencies = _dependencies(source, target, cache)
    # Beside the archive, so that the finished file appears there in one step.
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{source.name}-") as scratch:
        own = Path(scratch) / "own"
        own.mkdir()
        for place, path in source.files():
            (own / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, own / place)
        _compile_bytecode(source, target, own)
        unfinished = Path(scratch) / "layer.zip"
        _zip((dependencies, own), unfinished)
        if (size := unfinished.stat().st_size) > MAXIMUM_ARCHIVE_BYTES:
            raise LayerBuildError(
                f"Layer {source.name} has {size} bytes, and Lambda takes at most"
                f" {MAXIMUM_ARCHIVE_BYTES}: remove a package from {source.lock.name}, or put some"
                " into another layer."
            )
        os.replace(unfinished, archive)
    return archive


def _dependencies(source: LayerSource, target: Target, cache: Path) -> Path:
    """The folder of the lock's packages: a change of our own code needs neither uv nor network."""
    folder = cache / f"{source.name}-dependencies-{_fingerprint(source, target, [])}"
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{source.name}-") as scratch:
        contents = Path(scratch) / "contents"
        _install(source, target, contents)
        _compile_bytecode(source, target, contents)
        try:
            contents.rename(folder)
        except OSError:
            # Another run was first; otherwise there is a real reason.
            if not folder.exists():
                raise
    return folder


def _install(source: LayerSource, target: Target, contents: Path) -> None:
    """Installs exactly what the lock lists: uv refuses what has no pin, no hash or no wheel for the
    target, and a package whose dependencies are not in the lock.
    """
    # Copies: a link would let a change in the layer's folder damage uv's own cache.
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--color", "never", "--no-compile"),
        *("--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"),
        *("--python", sys.executable, *target.uv_options()),
        *("--target", str(contents), "--requirements", str(source.lock)),
    ]
    way_out = (
        f"renew {source.lock.name} with `make lock`, or check access to the package index (uv reads"
        " UV_DEFAULT_INDEX and uv.toml, not pip's settings)"
    )
    _run(command, f"Layer {source.name} for {target}: uv", UV_TIMEOUT_SECONDS, way_out)


def _compile_bytecode(source: LayerSource, target: Target, contents: Path) -> None:
    """Bytecode that is never checked against its source: a layer is read-only."""
    if not target.bytecode:
        return
    command = [
        *(sys.executable, "-I", "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(contents), "-p", "/opt/python", str(contents)),
    ]
    way_out = "correct the file that does not compile"
    _run(command, f"Layer {source.name}: compileall", COMPILE_TIMEOUT_SECONDS, way_out)


def _run(command: list[str], what: str, timeout_seconds: int, way_out: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - uv or this interpreter, with arguments made above
            command, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise LayerBuildError(f"{what} took more than {timeout_seconds} s: {way_out}.") from None
    if done.returncode != 0:
        reasons = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        lines = [f"{what} failed: {way_out}.", *reasons[-12:]]
        raise LayerBuildError("\n  ".join(lines))


def _fingerprint(source: LayerSource, target: Target, files: list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for part in (_FORMAT, source.name, repr(target)):
        digest.update(part.encode() + b"\0")
    # Patch releases of Python compile some modules to other bytecode.
    if target.is_host or target.bytecode:
        digest.update(sys.version.encode() + b"\0")
    for place, path in (("lock", source.lock), *files):
        digest.update(place.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _zip(folders: tuple[Path, ...], archive: Path) -> None:
    """Stored and not deflated: builds of zlib compress to different bytes."""
    files = sorted(each for folder in folders for each in _kept_files(folder))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as layer:
        for place, path in files:
            entry = zipfile.ZipInfo(f"python/{place}", _ZIP_DATE)
            entry.create_system = _UNIX
            entry.external_attr = _FILE_MODE
            layer.writestr(entry, path.read_bytes())


def _kept_files(contents: Path) -> Iterator[tuple[str, Path]]:
    for path in contents.rglob("*"):
        place = path.relative_to(contents)
        if path.is_file() and place.parts[0] not in _LEFT_OUT and path.name not in _LEFT_OUT:
            yield place.as_posix(), path
