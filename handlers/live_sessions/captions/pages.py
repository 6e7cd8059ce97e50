"""The posts of a caption: from the function itself, or by pages, each in an invocation of its own.

The translation function waits for its pages. So captions keep their order, none of them is kept in
a queue, and Lambda repeats none. A page without a result is posted once more; clients drop doubles
by `sequence`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from live_sessions.aws.runtime import Clock, logger
from live_sessions.listeners.fan_out import Departures
from live_sessions.sessions.follow_ups import CaptionPage
from live_sessions.wire.sockets import CONCURRENT_POSTS, DeliveryReport, Sockets

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

POST_TIMEOUT_SECONDS = 0.8
CONCURRENT_PAGES = 20
"""All the pages of the largest session: 10,000 listeners, 500 a page."""

CROWD_POSTS = 240
"""Posts of one caption at the same time, on all its pages together: at 20 ms for each, as many per
second as an account may make. Without it, the 429s of a large session would use up the attempts.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

PAGE_TIMEOUT_SECONDS = 12
"""For a page's posts and removals within their limits, and for a cold start before them."""


class PostCounts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened to a caption's frames; `failures` counts failed posts by their reasons."""

    delivered: int = 0
    gone: int = 0
    retried: int = 0
    failures: dict[str, int] = {}
    untried: int = 0
    removals_failed: int = 0

    @classmethod
    def of(cls, report: DeliveryReport) -> Self:
        """The counts of a delivery, before its gone listeners are removed."""
        return cls(
            delivered=len(report.delivered),
            gone=len(report.gone),
            retried=report.retried,
            failures=dict(report.failures),
            untried=len(report.untried),
        )

    def __add__(self, other: "PostCounts") -> "PostCounts":
        return PostCounts(
            delivered=self.delivered + other.delivered,
            gone=self.gone + other.gone,
            retried=self.retried + other.retried,
            failures=dict(Counter(self.failures) + Counter(other.failures)),
            untried=self.untried + other.untried,
            removals_failed=self.removals_failed + other.removals_failed,
        )


@dataclass(frozen=True)
class CaptionPosts:
    """Posts of captions by this function, and the removal of listeners that are gone."""

    sockets: Sockets
    departures: Departures
    clock: Clock

    def post_page(self, page: CaptionPage, until_seconds: float) -> PostCounts:
        """Post a page, within its own limits and until a moment of the monotonic clock."""
        until_seconds = min(until_seconds, self.clock.monotonic() + page.posting_seconds)
        frames = {language: text.encode() for language, text in page.frames.items()}
        report = self.sockets.post_all(
            {
                connection_id: frames[language]
                for language, connection_ids in page.listeners.items()
                for connection_id in connection_ids
            },
            until_seconds=until_seconds,
            concurrent=page.concurrent_posts,
        )
        counts = PostCounts.of(report)
        logger.info(
            "page of a caption",
            extra={
                "session": page.session_id,
                "posted": counts.delivered,
                "gone": counts.gone,
                "failed": counts.failures,
                "untried": counts.untried,
            },
        )
        return counts + self.removal(report.gone, page.session_id, page.removing_seconds)

    def removal(self, gone: Sequence[str], session_id: str, seconds: float) -> PostCounts:
        """Remove listeners, none later than `seconds` from now; counts what it did not remove."""
        until_seconds = self.clock.monotonic() + seconds
        removed = self.departures.remove(gone, session_id, until_seconds=until_seconds)
        return PostCounts(removals_failed=len(gone) - removed)


@dataclass(frozen=True)
class CaptionPages:
    """Pages that the fan-out function posts; `client` must not retry by itself."""

    client: "Callable[[], LambdaClient]"
    function_name: str

    def post(self, page: CaptionPage) -> PostCounts | None:
        """Invoke the function for a page and wait for its counts; None if there are none.

        Then some or none of the page may have been posted: the invocation was throttled, failed,
        did not end in time, or met a fan-out of an earlier release, which knows no such pages.
        """
        try:
            response = self.client().invoke(
                FunctionName=self.function_name, Payload=msgspec.json.encode(page)
            )
            payload = response["Payload"].read()
        except (ClientError, BotoCoreError) as failure:
            _log_failure(page, type(failure).__name__)
            return None
        if "FunctionError" in response:
            # The payload has the error's message, which might repeat what was sent.
            _log_failure(page, response["FunctionError"])
            return None
        try:
            return msgspec.json.decode(payload, type=PostCounts)
        except msgspec.DecodeError:
            _log_failure(page, "not a page's counts")
            return None


def concurrent_posts(pages: int) -> int:
    """How many posts each of so many pages makes at the same time."""
    return min(CONCURRENT_POSTS, max(1, CROWD_POSTS // max(1, pages)))


def _log_failure(page: CaptionPage, reason: str) -> None:
    logger.warning(
        "A page of a caption has no result", extra={"session": page.session_id, "reason": reason}
    )


def listeners_in(listeners: Mapping[str, Sequence[str]]) -> int:
    """How many listeners there are, in all languages."""
    return sum(map(len, listeners.values()))
