"""A presigned request's signature, computed anew from what a server sees of it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit


def computed_signature(target: str, host: str, secret: str) -> str:
    """Of a GET of `target`, path and query, with that Host header and an empty body."""
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=True))
    del query["X-Amz-Signature"]
    canonical_query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(query.items())
    )
    request = f"GET\n{url.path}\n{canonical_query}\nhost:{host}\n\nhost\n{sha256(b'').hexdigest()}"
    _, scope = query["X-Amz-Credential"].split("/", 1)
    text = "\n".join(
        ("AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, sha256(request.encode()).hexdigest())
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
