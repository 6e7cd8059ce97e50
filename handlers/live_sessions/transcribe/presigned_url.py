"""The URL that opens a stream, signed in its query.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html
"""

import logging
from urllib.parse import urlencode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from live_sessions.environment import AwsEnvironment
from live_sessions.pcm import SAMPLE_RATE_HZ

EXPIRES_SECONDS = 300
"""The longest that Transcribe takes."""

PATH = "/stream-transcription-websocket"

_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}

# At DEBUG botocore logs what it signs and the signature, which together are the URL.
logging.getLogger(SigV4QueryAuth.__module__).setLevel(logging.INFO)


def presigned_url(aws: AwsEnvironment, language_code: str, *, stability: str | None) -> str:
    """A secret: whoever has it can open the stream within its time.

    `stability` (low, medium or high) settles the words of partial results early; None leaves them.
    """
    query = {
        "language-code": language_code,
        "media-encoding": "pcm",
        "sample-rate": str(SAMPLE_RATE_HZ),
    }
    if stability is not None:
        query["enable-partial-results-stabilization"] = "true"
        query["partial-results-stability"] = stability
    endpoint = aws.transcribe_streaming_endpoint.rstrip("/")
    request = AWSRequest("GET", f"{endpoint}{PATH}?{urlencode(query)}")
    credentials = Credentials(
        aws.aws_access_key_id, aws.aws_secret_access_key, aws.aws_session_token
    )
    SigV4QueryAuth(credentials, "transcribe", aws.aws_region, expires=EXPIRES_SECONDS).add_auth(
        request
    )
    scheme, separator, rest = str(request.url).partition("://")
    return f"{_WEBSOCKET_SCHEMES[scheme]}{separator}{rest}"
