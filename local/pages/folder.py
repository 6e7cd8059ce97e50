"""The pages as built, with the config of one stack."""

import json
import mimetypes
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.pages.answers import Answer

NO_CACHE = "no-cache"
FOREVER = "public, max-age=31536000, immutable"


class FolderPages:
    """Answers with the files of a built folder, and with config.json."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._folder = folder.resolve()
        self._config = json.dumps(config).encode()
        self._headers = {
            "Content-Security-Policy": content_security_policy(origins_of(config)),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def __call__(self, path: str) -> Answer:
        if path == "/config.json":
            return self._file("application/json", NO_CACHE, self._config)
        file = (self._folder / (path.lstrip("/") or "index.html")).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            return Answer.plain(HTTPStatus.NOT_FOUND)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        is_asset = file.parent.name == "assets"
        return self._file(kind, FOREVER if is_asset else NO_CACHE, file.read_bytes())

    def _file(self, kind: str, caching: str, body: bytes) -> Answer:
        headers = {"Content-Type": kind, "Cache-Control": caching, **self._headers}
        return Answer(HTTPStatus.OK, headers, body)


def origins_of(config: dict[str, Any]) -> list[str]:
    """Return the origins that the pages connect to."""
    sign_in = config["signIn"] or {}
    urls = [config["websocketUrl"], *(value for value in sign_in.values() if "://" in value)]
    return sorted({"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in urls})


def content_security_policy(connect: list[str]) -> str:
    """Return the policy of pages that also connect to these origins."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {' '.join(connect)}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
