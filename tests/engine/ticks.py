"""The ticks of the periodic status by position: how many intervals after the stack's first one."""

from collections.abc import Sequence

from client.people import Speaker
from contract import metrics
from local.emulator.process import Emulator
from local.function_logs import read_log

CLOCK_SLACK_MS = 1_000
"""A delay queue may deliver a moment early."""


class Ticks:
    """When ticks were due, from the function's metrics: each has its delay as one.

    Those that came too late and were dropped are not among them. Times are epoch milliseconds.
    """

    def __init__(self, emulator: Emulator, log_group: str, interval_seconds: int) -> None:
        self._interval_ms = interval_seconds * 1_000
        self._due_at = sorted(_due_times(emulator, log_group, self._interval_ms))

    def handled(self) -> list[int]:
        """The positions of the ticks that were handed out to the shards."""
        return [round((due - self._due_at[0]) / self._interval_ms) for due in self._due_at]

    def received(self, speaker: Speaker) -> list[int]:
        """The positions of the ticks with which the speaker got a status.

        A status is sent before the next tick is due, or never.
        """
        return [
            (frame["timestamp"] - self._due_at[0] + CLOCK_SLACK_MS) // self._interval_ms
            for frame in speaker.received("sessionStatus")
            if frame["updateReason"] == "periodic"
        ]


def _due_times(emulator: Emulator, log_group: str, interval_ms: int) -> Sequence[int]:
    delay = metrics.TICK_DELAY_MILLISECONDS.name
    lines = [line.fields for line in read_log(emulator.client("logs"), log_group)]
    return [
        fields["_aws"]["Timestamp"] - int(fields[delay][0])
        for fields in lines
        if delay in fields and fields[delay][0] <= interval_ms
    ]
