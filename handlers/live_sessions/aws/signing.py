"""Signature Version 4 of requests without a query, as botocore makes it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote

from live_sessions.environment import AwsEnvironment


class Signer:
    """Signs for one service at one host; the day's key is derived once."""

    def __init__(self, aws: AwsEnvironment, service: str, host: str) -> None:
        self._aws = aws
        self._service = service
        self._host = host
        self._day_and_key = ("", b"")

    def signed(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, at_seconds: float
    ) -> dict[str, str]:
        """The headers to send: those given, all of them signed, and the signature's own.

        `path` is as sent, percent-encoded; `at_seconds` is the epoch time of sending.
        """
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_seconds))
        sent = {name.lower(): value for name, value in headers.items()}
        sent["host"] = self._host
        sent["x-amz-date"] = date
        if self._aws.aws_session_token is not None:
            sent["x-amz-security-token"] = self._aws.aws_session_token
        names = sorted(sent)
        signed_names = ";".join(names)
        canonical_headers = "".join(f"{name}:{' '.join(sent[name].split())}\n" for name in names)
        canonical_request = (
            f"{method}\n{quote(path, safe='/~')}\n\n{canonical_headers}\n{signed_names}\n"
            f"{sha256(body).hexdigest()}"
        )
        day = date[:8]
        scope = f"{day}/{self._aws.aws_region}/{self._service}/aws4_request"
        text = (
            f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical_request.encode()).hexdigest()}"
        )
        signature = _keyed_hash(self._key_of(day), text).hex()
        sent["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._aws.aws_access_key_id}/{scope}, "
            f"SignedHeaders={signed_names}, Signature={signature}"
        )
        return sent

    def _key_of(self, day: str) -> bytes:
        known_day, key = self._day_and_key
        if day != known_day:
            key = f"AWS4{self._aws.aws_secret_access_key}".encode()
            for part in (day, self._aws.aws_region, self._service, "aws4_request"):
                key = _keyed_hash(key, part)
            self._day_and_key = (day, key)
        return key


def _keyed_hash(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
