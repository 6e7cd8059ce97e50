"""The cloud and the pages that the browser tests share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from local.cloud import LocalCloud
from local.pages.answers import Answer, Answering
from tests.local.audio.network import Network


@dataclass(frozen=True)
class Site:
    """`network` is between the pages and their WebSocket API; Python clients do not use it."""

    cloud: LocalCloud
    url: str
    network: Network

    @property
    def username(self) -> str:
        return self.cloud.outputs["speakerUsername"]

    @property
    def password(self) -> str:
        return self.cloud.outputs["speakerPassword"]


class PagesOverNetwork:
    """The pages as they are, but that they reach their WebSocket API over another address."""

    def __init__(self, pages: Answering, websocket_url: str, network_url: str) -> None:
        self._pages = pages
        self._direct, self._network = (
            f"ws://{urlsplit(url).netloc}" for url in (websocket_url, network_url)
        )

    def __call__(self, path: str) -> Answer:
        answer = self._pages(path)
        headers = {
            name: value.replace(self._direct, self._network)
            for name, value in answer.headers.items()
        }
        body = answer.body.replace(self._direct.encode(), self._network.encode())
        return replace(answer, headers=headers, body=body)
