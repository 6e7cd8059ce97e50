"""What the estimate takes for granted: not of the stack, not of the load, not of the price list.

Nothing of this was measured on AWS. The output prints all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ROW_BYTES = 1_024
"""Of a row in a table, and so one write request unit for each write."""


def _durations() -> dict[str, float]:
    return {
        "authorizer": 20,
        "connection": 40,
        "disconnect": 40,
        "heartbeat": 10,
        "refresh": 40,
        "session_status": 15,
        "fan_out": 50,
        "reconcile": 500,
        "audio_ingest": 25,
        "translation": 250,
    }


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Durations are of warm invocations; those of fan_out and translation grow with the posts."""

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
    """https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html: beyond one each second."""
    metrics_per_route: int = 5

    def sentences(self) -> list[str]:
        """Each of them, for people."""
        durations = ", ".join(
            f"{entry} {milliseconds:g}"
            for entry, milliseconds in sorted(self.duration_milliseconds.items())
        )
        return [
            f"Milliseconds that a function works: {durations}; for each listener posted to"
            f" {self.post_milliseconds:g} more. audio_processor works as long as somebody speaks.",
            f"A frame to a client is {self.frame_bytes} bytes on the wire, with TLS; none to or"
            " from a client is above 32 KB.",
            f"An invocation logs {self.platform_log_bytes} bytes by Lambda and"
            f" {self.function_log_bytes} by the function, a message {self.access_log_bytes} in the"
            " access log.",
            f"A row is at most {ROW_BYTES} bytes, a listener's in the index"
            f" {self.listener_row_bytes}.",
            f"Lambda polls each queue that feeds a function {self.empty_receives_per_minute:g}"
            " times a minute all month (five pollers that wait 20 s each).",
            f"{self.mails} alarm mails a month; {self.metrics_per_route} metrics a route; every own"
            " metric in every hour, though an hour without a value costs nothing.",
            "X-Ray records, of each function, the first request of each second and"
            f" {self.traced_share:.0%} of the rest: requests come evenly over the seconds in which"
            " sessions run, those of a tick in two seconds, and none brings a decision with it.",
            "Each listener joins once and leaves once. Not counted: cold starts, refreshes, changes"
            " of language, status queries and pushes at once, errors and retries, KMS requests,"
            " Logs Insights queries, build minutes, DNS.",
        ]
