"""The assumptions of the estimate that come neither from the stack, the load nor the price list.

None of them was measured on AWS. The output prints all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ROW_BYTES = 1_024
"""The assumed size of a row, so that each write is one write request unit."""


def _durations() -> dict[str, float]:
    return {
        "authorizer": 20,
        "connection": 40,
        "disconnect": 40,
        "heartbeat": 10,
        "refresh": 40,
        "removed_action": 10,
        "session_status": 15,
        "fan_out": 50,
        "reconcile": 500,
        "audio_ingest": 25,
        "transcripts": 30_000,
        "translation": 250,
    }


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Durations are those of warm invocations; fan_out and translation add time for each post."""

    duration_milliseconds: Mapping[str, float] = field(default_factory=_durations)
    post_milliseconds: float = 0.5
    frame_bytes: int = 500
    access_log_bytes: int = 550
    platform_log_bytes: int = 350
    function_log_bytes: int = 400
    listener_row_bytes: int = 150
    empty_receives_per_minute: float = 15
    mails: int = 100
    traced_share: float = 0.05
    """Of the requests after the first in each second.
    https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""
    metrics_per_route: int = 5
    page_bytes: int = 60_000
    requests_per_page: int = 6

    def sentences(self) -> list[str]:
        """The assumptions as sentences."""
        durations = ", ".join(
            f"{entry} {milliseconds:g}"
            for entry, milliseconds in sorted(self.duration_milliseconds.items())
        )
        return [
            f"Duration of an invocation in milliseconds: {durations}; plus"
            f" {self.post_milliseconds:g} per listener posted to. audio_processor runs as long as"
            " someone speaks.",
            f"A frame to a client takes {self.frame_bytes} bytes on the wire, including TLS; no"
            " frame in either direction exceeds 32 KB.",
            f"Each invocation logs {self.platform_log_bytes} bytes from Lambda and"
            f" {self.function_log_bytes} from the function; each message logs"
            f" {self.access_log_bytes} bytes in the access log.",
            f"A row has at most {ROW_BYTES} bytes; a listener's entry in the index has"
            f" {self.listener_row_bytes}.",
            f"Lambda polls each queue that feeds a function {self.empty_receives_per_minute:g}"
            " times per minute all month (five pollers that wait 20 s each).",
            f"{self.mails} alarm emails per month; {self.metrics_per_route} metrics per route;"
            " every custom metric in every hour, although an hour without a value costs nothing.",
            "X-Ray records the first request of each second and"
            f" {self.traced_share:.0%} of the rest, per function. Requests are spread evenly over"
            " the seconds in which sessions run, those of a tick over two seconds, and no request"
            " carries a sampling decision.",
            f"A page is loaded once for each socket, in {self.requests_per_page} requests and"
            f" {self.page_bytes} bytes, from locations in North America or Europe, and is not in"
            " the browser's cache.",
            "Each session keeps a transcript, where the stack keeps any.",
            "Each listener joins once and leaves once. Not included: cold starts (nor those"
            " from a snapshot), the snapshots of versions that no longer serve, refreshes,"
            " language changes, status queries, questions for missed captions, status pushes on"
            " changes, the files of transcripts and links to them, the files of the pages in their"
            " bucket, errors and retries, KMS requests, Logs Insights queries, build minutes, DNS.",
        ]
