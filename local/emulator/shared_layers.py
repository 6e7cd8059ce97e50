"""A layer is unpacked once, and every environment of its functions reads it there.

MiniStack unpacks them anew for each environment, which takes longer than starting it does.
"""

import hashlib
import io
import os
import tempfile
import threading
import zipfile
from typing import Any

from ministack.services import lambda_svc

# Where MiniStack's Python environments look for layers.
FOLDERS_VARIABLE = "_LAMBDA_LAYERS_DIRS"

_folders: dict[str, str] = {}
_lock = threading.Lock()


def with_shared_layers(config: dict[str, Any]) -> dict[str, Any]:
    """The function's configuration for an environment that finds its layers unpacked."""
    contents = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", [])]
    if not all(contents) or not config["Runtime"].startswith("python"):
        return config
    folders = [_unpacked(content) for content in contents if content]
    variables = config.get("Environment", {}).get("Variables", {})
    if folders:
        variables = {**variables, FOLDERS_VARIABLE: os.pathsep.join(folders)}
    return {**config, "Layers": [], "Environment": {"Variables": variables}}


def _unpacked(content: bytes) -> str:
    """The folder of a layer's content, which is trusted: this project's own deployer made it."""
    digest = hashlib.sha256(content).hexdigest()
    with _lock:
        if digest not in _folders:
            folder = tempfile.mkdtemp(prefix="layer-")
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folder)
            _folders[digest] = folder
        return _folders[digest]
