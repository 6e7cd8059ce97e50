"""The bytes behind Pulumi's assets and archives."""

import io
import zipfile
from pathlib import Path

from pulumi import Archive, Asset, AssetArchive, FileArchive, FileAsset, StringAsset

FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def archive_bytes(archive: Archive) -> bytes:
    """Return the archive as a zip file; equal contents give equal bytes."""
    if isinstance(archive, FileArchive) and Path(archive.path).is_file():
        return Path(archive.path).read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for path, content in sorted(archive_members(archive).items()):
            entry = zipfile.ZipInfo(path, FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()


def asset_bytes(asset: Asset) -> bytes:
    """Return the asset's content.

    Raises ValueError for a remote asset: nothing is fetched from elsewhere.
    """
    if isinstance(asset, FileAsset):
        return Path(asset.path).read_bytes()
    if isinstance(asset, StringAsset):
        return asset.text.encode()
    raise ValueError(f"a {type(asset).__name__} cannot be read on the local cloud")


def archive_members(archive: Archive) -> dict[str, bytes]:
    if isinstance(archive, FileArchive):
        root = Path(archive.path)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
    if isinstance(archive, AssetArchive):
        members: dict[str, bytes] = {}
        for name, item in archive.assets.items():
            if isinstance(item, Asset):
                members[name] = asset_bytes(item)
            else:
                inner = archive_members(item)
                members |= {f"{name}/{path}": content for path, content in inner.items()}
        return members
    raise ValueError(f"a {type(archive).__name__} cannot be read on the local cloud")
