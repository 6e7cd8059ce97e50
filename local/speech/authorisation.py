"""Asks the emulator whether IAM allows a request to a stand-in."""

import hashlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PATH = "/_local/authorise"
TIMEOUT_SECONDS = 10.0


class Refused(Exception):
    """The request is not signed correctly, or its signer may not make it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Authorisation:
    """Authorises requests at the emulator, which listens at `url`."""

    url: str

    def check(
        self,
        service: str,
        action: str,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> str:
        """Return the caller's ARN; raises Refused, and OSError if the emulator does not answer."""
        question = {
            "service": service,
            "action": f"{service}:{action}",
            "method": method,
            "url": url,
            "headers": {name.lower(): value for name, value in headers.items()},
            "bodySha256": hashlib.sha256(body).hexdigest(),
        }
        emulator = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_SECONDS)
        try:
            emulator.request("POST", PATH, json.dumps(question))
            response = emulator.getresponse()
            answer = json.loads(response.read())
        except http.client.HTTPException as error:
            raise ConnectionError("the emulator did not answer") from error
        finally:
            emulator.close()
        if response.status != http.HTTPStatus.OK:
            raise Refused(response.status, answer["code"], answer["message"])
        return answer["principal"]
