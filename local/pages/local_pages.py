"""The pages of one local cloud: on loopback, and where asked for, to phones in the same network."""

import io
import json
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import segno

from client.running_cloud import PROJECT_ROOT
from components.web_pages import PagesBuildError, build_pages
from components.web_pages.config import CONFIG_FILE
from components.web_pages.pages import SIGN_IN_PAGE
from local.cloud import LocalCloud
from local.emulator.process import HOST, EmulatorError
from local.pages.answers import Answer, Answering
from local.pages.distribution import DistributionPages
from local.pages.folder import FolderPages
from local.pages.passage import Passage
from local.pages.server import PageServer
from program.stack_config import project

# The same from run to run, so that a bookmark works; the next ones are for runs beside each other.
PORTS = range(8080, 8090)
CONFIG_PATH = f"/{CONFIG_FILE}"
# Clients on this machine share one address, but phones do not: their guesses at passcodes are
# limited as on AWS.
LIMIT_OF_MISSES = "joinMissesPerAddressPerMinute"


class LocalPages:
    """Serves both pages on loopback, as the emulator's CloudFront does.

    `listen` is an address of this machine (`listen_address`) where others reach the listener page
    and the sockets of listeners, and nothing else.
    """

    def __init__(self, listen: str | None = None) -> None:
        self._listen = listen
        self._passage: Passage | None = None
        self._cleanup = ExitStack()

    @property
    def settings(self) -> dict[str, Any]:
        """The stack config with which the program declares these pages, by key without prefix."""
        port = urlsplit(self._own.url).port
        settings: dict[str, Any] = {
            "webPages": True,
            "webPagesOrigins": [self._own.url, f"http://localhost:{port}"],
        }
        if self._phones:
            settings[LIMIT_OF_MISSES] = project()["config"][LIMIT_OF_MISSES]["default"]
        return settings

    def publish(self, cloud: LocalCloud) -> None:
        """Serve what has been deployed; raises EmulatorError if the emulator does not."""
        outputs = cloud.outputs
        pages = DistributionPages(outputs["emulatorUrl"], outputs["webPagesDistributionDomain"])
        if not self._phones:
            self._own.answer_with(pages)
            return
        config = _config(pages)
        # What the speaker page shows leads to where phones can read.
        own_config = {**config, "listenerPage": f"{self._phones.url}/"}
        self._own.answer_with(partial(_with_config, pages, json.dumps(own_config).encode()))
        path = f"/{outputs['websocketUrl'].rpartition('/')[2]}"
        if not self._passage:
            header = cloud.emulator.client_address_header
            self._passage = Passage(outputs["websocketUrl"], path, header)
        phones_config = {
            **config,
            "websocketUrl": f"ws{self._phones.url.removeprefix('http')}{path}",
            # It needs https, as a microphone does.
            "signIn": None,
        }
        self._phones.answer_with(FolderPages(build_pages(), phones_config), self._passage)

    def described(self, outputs: dict[str, Any]) -> str:
        """Return where the pages are, in lines for people."""
        speaker = ""
        if "speakerUsername" in outputs:  # not where another issuer signs speakers in
            speaker = f" as {outputs['speakerUsername']} with {outputs['speakerPassword']}"
        lines = [
            f"speak:  {self._own.url}/{SIGN_IN_PAGE} (sign in{speaker})",
            f"listen: {self._own.url}/",
        ]
        if self._phones:
            lines.append(f"phones: {self._phones.url}/ (listening only; not encrypted)")
            lines.append(_qr_code(f"{self._phones.url}/"))
        return "\n".join(lines)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._own = _on_first_free_port(HOST, starting)
            self._phones = _on_first_free_port(self._listen, starting) if self._listen else None
            self._cleanup = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()


def _config(pages: Answering) -> dict[str, Any]:
    answer = pages(CONFIG_PATH)
    if answer.status != HTTPStatus.OK:
        raise EmulatorError(f"{CONFIG_FILE} of the pages was answered with {answer.status.value}.")
    return json.loads(answer.body)


def _with_config(pages: Answering, config: bytes, path: str) -> Answer:
    answer = pages(path)
    return replace(answer, body=config) if path == CONFIG_PATH else answer


def not_installed(root: Path = PROJECT_ROOT) -> str | None:
    """Return why the pages of a checkout cannot be built at all; None if they can be."""
    # npm writes it when it has installed everything; if it could not, trying again takes minutes.
    if (root / "web/node_modules/.package-lock.json").exists():
        return None
    return (
        "npm could not install what web/ depends on; to try again: "
        "rm web/node_modules/.installed && make setup"
    )


def not_built() -> str | None:
    """Build the pages, if that has not been done; return why they cannot be."""
    if reason := not_installed():
        return reason
    try:
        build_pages()
    except PagesBuildError as error:
        return str(error)
    return None


def _on_first_free_port(host: str, running: ExitStack) -> PageServer:
    for port in PORTS:
        with suppress(OSError):
            return running.enter_context(PageServer(host, port))
    return running.enter_context(PageServer(host))


def _qr_code(text: str) -> str:
    drawn = io.StringIO()
    segno.make_qr(text).terminal(drawn, compact=True)
    return drawn.getvalue()
