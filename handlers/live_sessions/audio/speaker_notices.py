"""What the speaker is told about his audio, on the socket that it comes from."""

from dataclasses import dataclass

from live_sessions.audio.chunk_rate import (
    CLOSED_AFTER_SECONDS,
    WARNED_AFTER_SECONDS,
    RateVerdict,
)
from live_sessions.posts.sockets import Sockets
from live_sessions.protocol import RateLimitWarning, TranscriptionError
from live_sessions.sessions import now_ms
from live_sessions.telemetry import count, logger


@dataclass
class SpeakerNotices:
    """`connection_id` is the speaker's socket as the chunks name it."""

    sockets: Sockets
    session_id: str
    chunks_per_second: int
    connection_id: str = ""

    def carry_out(self, verdict: RateVerdict) -> None:
        """Warn him of too many chunks, or close his socket for them."""
        logger.warning("too many chunks", extra={"session": self.session_id, "due": verdict.name})
        if verdict is RateVerdict.CLOSE:
            count(SpeakersClosed=1)
            self.sockets.close(self.connection_id)
            return
        warning = RateLimitWarning(
            timestamp=now_ms(),
            session_id=self.session_id,
            chunks_per_second=self.chunks_per_second,
            closes_after_seconds=CLOSED_AFTER_SECONDS - WARNED_AFTER_SECONDS,
        )
        self.sockets.post(self.connection_id, warning.encode())

    def tell_failure(self, *, is_permanent: bool, retry_after_seconds: int) -> None:
        """Say that what he says is not transcribed at present."""
        error = TranscriptionError(
            timestamp=now_ms(),
            session_id=self.session_id,
            message=(
                "The audio cannot be transcribed, and will not be until that is set right."
                if is_permanent
                else "The audio is not transcribed at present."
            ),
            is_permanent=is_permanent,
            retry_after_seconds=retry_after_seconds,
        )
        self.sockets.post(self.connection_id, error.encode())
