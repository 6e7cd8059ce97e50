"""What a browser gets from a stack's pages, on AWS or on a local cloud."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

FETCH_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class PageAnswer:
    """The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch_page(
    outputs: Mapping[str, Any], path: str, timeout_seconds: float = FETCH_TIMEOUT_SECONDS
) -> PageAnswer:
    """Fetch a path such as `/speak.html` of the stack with these outputs, over https.

    A local cloud's emulator finds the distribution by the name of the host, behind whatever ended
    TLS. Raises OSError and http.client.HTTPException.
    """
    pages = urlsplit(outputs["webPagesUrl"])
    if emulator := outputs.get("emulatorUrl"):
        host = outputs["webPagesDistributionDomain"]
        connection = http.client.HTTPConnection(urlsplit(emulator).netloc, timeout=timeout_seconds)
        request = {"Host": host, "X-Forwarded-Proto": "https"}
    else:
        connection = http.client.HTTPSConnection(pages.netloc, timeout=timeout_seconds)
        request = {}
    try:
        connection.request("GET", path, headers=request)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return PageAnswer(answer.status, headers, answer.read())
    finally:
        connection.close()
