"""A resource's inputs as plain JSON: files by their contents, secrets by nothing at all."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import rpc

# The key under which an archive's files are listed, by their place, with their hashes.
ARCHIVE = "$archive"
ASSET = "$asset"
SECRET = "[secret]"  # noqa: S105 - what is shown instead of one


def plain(value: Any) -> Any:
    """The value with nothing but JSON in it. Whole numbers arrive as floats, and leave as ints."""
    if isinstance(value, pulumi.Archive):
        return {ARCHIVE: dict(sorted(_archive_files(value)))}
    if isinstance(value, pulumi.Asset):
        return {ASSET: _asset_hash(value)}
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def _archive_files(archive: pulumi.Archive) -> Iterator[tuple[str, str]]:
    """Bytecode is left out: it says what its source says, or what Python made of it."""
    if isinstance(archive, pulumi.AssetArchive):
        for place, each in archive.assets.items():
            if isinstance(each, pulumi.Archive):
                yield from ((f"{place}/{inner}", seen) for inner, seen in _archive_files(each))
            else:
                yield place, _asset_hash(each)
    elif isinstance(archive, pulumi.FileArchive):
        for place, content in _files_below(Path(archive.path)):
            if not place.endswith(".pyc"):
                yield place, _hash(content)
    else:
        yield str(getattr(archive, "uri", archive)), ""


def _files_below(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for each in path.rglob("*"):
            if each.is_file():
                yield each.relative_to(path).as_posix(), each.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for place in archive.namelist():
                yield place, archive.read(place)
    else:
        yield path.name, path.read_bytes()


def _asset_hash(asset: pulumi.Asset) -> str:
    if isinstance(asset, pulumi.FileAsset):
        return _hash(Path(asset.path).read_bytes())
    if isinstance(asset, pulumi.StringAsset):
        return _hash(asset.text.encode())
    return str(getattr(asset, "uri", asset))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
