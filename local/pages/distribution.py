"""The pages as the emulator's CloudFront serves them."""

import http.client
from http import HTTPStatus
from urllib.parse import urlsplit

from local.pages.answers import Answer

ANSWER_SECONDS = 30.0
# Of the connection alone, or not for plain HTTP.
NOT_PASSED_ON = frozenset(
    {"connection", "content-length", "keep-alive", "strict-transport-security", "transfer-encoding"}
)


class DistributionPages:
    """Answers with what a distribution of the emulator does; `domain_name` is CloudFront's name.

    The emulator also serves AWS's APIs: this is for clients on this machine, which reach it anyway.
    """

    def __init__(self, emulator_url: str, domain_name: str) -> None:
        self._host = urlsplit(emulator_url).netloc
        self._domain_name = domain_name

    def __call__(self, path: str) -> Answer:
        """Answer a path; 502 if the emulator does not."""
        # CloudFront redirects viewers without https.
        headers = {"Host": self._domain_name, "X-Forwarded-Proto": "https"}
        connection = http.client.HTTPConnection(self._host, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return Answer.plain(HTTPStatus.BAD_GATEWAY)
        finally:
            connection.close()
        kept = {
            name: value
            for name, value in response.getheaders()
            if name.lower() not in NOT_PASSED_ON
        }
        return Answer(HTTPStatus(response.status), kept, body)
