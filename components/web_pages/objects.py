"""The objects in the bucket: which there are, in which order, and what stays there."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.web_pages.config import CONFIG_FILE
from components.web_pages.headers import HASHED_FOLDER, cache_control, content_type, is_text


def create_objects(
    name: str,
    *,
    bucket: pulumi.Input[str],
    folder: Path,
    config: Mapping[str, Any],
    parent: pulumi.Resource,
) -> None:
    """Upload a folder and its config.json; the pages follow the files that they need.

    Hashed files stay when the next release no longer has them, until the bucket is deleted: a page
    that is open may still ask for them.
    """
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    staying = ResourceOptions(parent=parent, retain_on_delete=True)
    needed = [
        _create_object(name, bucket, file, (folder / file).read_bytes(), staying)
        for file in files
        if file.startswith(HASHED_FOLDER)
    ]
    after = ResourceOptions(parent=parent, depends_on=needed)
    for file in files:
        if not file.startswith(HASHED_FOLDER):
            _create_object(name, bucket, file, (folder / file).read_bytes(), after)
    _create_object(name, bucket, CONFIG_FILE, pulumi.Output.json_dumps(config), after)


def _create_object(
    name: str,
    bucket: pulumi.Input[str],
    file: str,
    content: bytes | pulumi.Output[str],
    opts: ResourceOptions,
) -> pulumi.Resource:
    """Its content, not its path, is in the state: the path differs between builders."""
    text, encoded = None, None
    if not isinstance(content, bytes):
        text = content
    elif is_text(file):
        text = content.decode()
    else:
        encoded = base64.b64encode(content).decode()
    return aws.s3.BucketObjectv2(
        f"{name}-{file}",
        bucket=bucket,
        key=file,
        content=text,
        content_base64=encoded,
        content_type=content_type(file),
        cache_control=cache_control(file),
        # An object can have 10 tags, a stack more; its costs are the bucket's.
        override_provider={"default_tags": {"tags": {}}},
        opts=opts,
    )
