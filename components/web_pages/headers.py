"""The headers with which the pages are sent, wherever they are served: no Pulumi here.

https://developer.mozilla.org/docs/Web/Security/Practical_implementation_guides explains each.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

STRICT_TRANSPORT_SECURITY_SECONDS = 365 * 24 * 3_600
REFERRER_POLICY = "no-referrer"
NOSNIFF = "nosniff"

CONTENT_SECURITY_POLICY_HEADER = "Content-Security-Policy"
# Besides those that have a place of their own in CloudFront's response headers policy.
OTHER_HEADERS: Mapping[str, str] = {
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(self), payment=(),"
        " screen-wake-lock=(self), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Files in here have a hash of their content in their name.
HASHED_FOLDER = "assets/"
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_ASKED_EACH_TIME = "no-cache"
# Not from the machine's own tables, which differ. Text is UTF-8.
_CONTENT_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def content_security_policy(connects_to: Iterable[str]) -> str:
    """The policy of pages that connect to these URLs, of which the origins count.

    >>> content_security_policy(["wss://a.example.com/live"]).split("; ")[5]
    "connect-src 'self' wss://a.example.com"
    """
    origins = " ".join(dict.fromkeys(map(origin_of, connects_to)))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {origins}".rstrip(),
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def security_headers(connects_to: Iterable[str]) -> dict[str, str]:
    """Every security header but Strict-Transport-Security, which only https may send."""
    return {
        CONTENT_SECURITY_POLICY_HEADER: content_security_policy(connects_to),
        "Referrer-Policy": REFERRER_POLICY,
        "X-Content-Type-Options": NOSNIFF,
        **OTHER_HEADERS,
    }


def cache_control(file: str) -> str:
    """The Cache-Control of a file, by its path below the pages' root.

    >>> cache_control("index.html")
    'no-cache'
    """
    return _FOR_A_YEAR if file.startswith(HASHED_FOLDER) else _ASKED_EACH_TIME


def content_type(file: str) -> str:
    """The Content-Type of a file, by its name; raises `ValueError` for one that it does not know.

    >>> content_type("index.html"), content_type("assets/index-1a2b.js")
    ('text/html; charset=utf-8', 'text/javascript; charset=utf-8')
    """
    kind = _CONTENT_TYPES.get(PurePosixPath(file).suffix)
    if kind is None:
        raise ValueError(
            f"The pages have a file {file}, whose type is not known: add it to {__name__}."
        )
    return kind


def is_text(file: str) -> bool:
    """Whether a file is text, which is UTF-8; raises `ValueError` as `content_type` does."""
    return content_type(file).endswith("charset=utf-8")


def origin_of(url: str) -> str:
    """The origin of a URL.

    >>> origin_of("https://login.example.com/tenant")
    'https://login.example.com'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
