"""What a browser gets from a stack's pages, on AWS or on a local cloud."""

import urllib.error
import urllib.request
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
    headers, proxies = {}, None
    if emulator := outputs.get("emulatorUrl"):
        url = emulator
        host = outputs["webPagesDistributionDomain"]
        headers = {"Host": host, "X-Forwarded-Proto": urlsplit(outputs["webPagesUrl"]).scheme}
        proxies = {}
    else:
        url = outputs["webPagesUrl"]
    request = urllib.request.Request(f"{url}{path}", headers=headers)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        answer = opener.open(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        names = {name.lower(): value for name, value in answer.headers.items()}
        return PageAnswer(answer.status or 0, names, answer.read())
