"""The built pages with a config of their own, for those who must not reach the emulator."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from components.web_pages.config import CONFIG_FILE
from components.web_pages.distribution import INDEX, NOT_FOUND
from components.web_pages.headers import cache_control, content_type, security_headers
from local.pages.answers import Answer

# Without https, browsers report it as an error.
ONLY_OVER_HTTPS = ("Cross-Origin-Opener-Policy",)


class FolderPages:
    """Answers with the files of a folder as CloudFront would, and with config.json.

    The files are read at once, so that nothing else can be asked for; `config` is as `page_config`
    has it, for pages where nobody can sign in.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self._headers = {
            name: value
            for name, value in security_headers([config["websocketUrl"]]).items()
            if name not in ONLY_OVER_HTTPS
        }
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        files[CONFIG_FILE] = json.dumps(config).encode()
        self._files = files

    def __call__(self, path: str) -> Answer:
        """Answer a path; `/` is the listener page."""
        file = INDEX if path == "/" else path.removeprefix("/")
        if not path.startswith("/") or file not in self._files:
            return self._answer(HTTPStatus.NOT_FOUND, NOT_FOUND)
        return self._answer(HTTPStatus.OK, file)

    def _answer(self, status: HTTPStatus, file: str) -> Answer:
        headers = {
            "Content-Type": content_type(file),
            "Cache-Control": cache_control(file),
            **self._headers,
        }
        return Answer(status, headers, self._files[file])
