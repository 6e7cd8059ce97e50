"""Layers as archives: what a lock lists and packages of our own, zipped reproducibly.

Plain Python, no resources. The same inputs give the same archive, which is kept by their hash.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from components.layers.installation import (
    LayerBuildError,
    LayerSource,
    compile_bytecode,
    has_bytecode,
    install,
)
from components.layers.wheels import Target

# Raise it when the same inputs are to give another archive.
_FORMAT = "1"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
# Scripts have no use in a layer; the rest of pip's records differs from machine to machine.
_LEFT_OUT = frozenset({"bin", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


def build_layer(source: LayerSource, target: Target, cache: Path) -> Path:
    """The layer's archive; raises `LayerBuildError`. Built only if `cache` does not hold it yet."""
    for needed in (source.lock, *source.packages):
        if not needed.exists():
            raise LayerBuildError(
                f"Layer {source.name} needs {needed.name}, which is not there: run from a full"
                " checkout."
            )
    if target.is_host and (problem := target.difference_from_host()):
        raise LayerBuildError(f"Layer {source.name}: {problem}")
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
        compile_bytecode(source, target, own)
        unfinished = Path(scratch) / "layer.zip"
        _zip((dependencies, own), unfinished)
        os.replace(unfinished, archive)
    return archive


def _dependencies(source: LayerSource, target: Target, cache: Path) -> Path:
    """The folder of what the lock lists: an edit of our own code needs neither pip nor network."""
    folder = cache / f"{source.name}-dependencies-{_fingerprint(source, target, [])}"
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{source.name}-") as scratch:
        contents = Path(scratch) / "contents"
        contents.mkdir()
        install(source, target, Path(scratch), contents)
        compile_bytecode(source, target, contents)
        try:
            contents.rename(folder)
        except OSError:
            # Another run was first; otherwise there is a real reason.
            if not folder.exists():
                raise
    return folder


def _fingerprint(source: LayerSource, target: Target, files: list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for part in (_FORMAT, source.name, repr(target), str(has_bytecode(target))):
        digest.update(part.encode() + b"\0")
    if target.is_host:
        digest.update(sys.version.encode() + b"\0")
    for place, path in (("lock", source.lock), *files):
        digest.update(place.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _zip(folders: tuple[Path, ...], archive: Path) -> None:
    files = sorted(each for folder in folders for each in _kept_files(folder))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as layer:
        for place, path in files:
            entry = zipfile.ZipInfo(f"python/{place}", _ZIP_DATE)
            entry.external_attr = _FILE_MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            layer.writestr(entry, path.read_bytes())


def _kept_files(contents: Path) -> Iterator[tuple[str, Path]]:
    for path in contents.rglob("*"):
        place = path.relative_to(contents)
        if path.is_file() and place.parts[0] not in _LEFT_OUT and path.name not in _LEFT_OUT:
            yield place.as_posix(), path
