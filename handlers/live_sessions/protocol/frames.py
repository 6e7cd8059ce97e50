"""What the server sends: replies, posts and errors."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from live_sessions.protocol.errors import ErrorCode


class EndReason(StrEnum):
    SPEAKER_ENDED = "speakerEnded"
    SPEAKER_LOST = "speakerLost"
    EXPIRED = "expired"
    OPERATOR = "operator"


class UpdateReason(StrEnum):
    REQUESTED = "requested"
    PERIODIC = "periodic"
    LISTENER_COUNT_CHANGE = "listenerCountChange"
    NEW_LANGUAGE = "newLanguage"


class BroadcastState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The broadcast as its speaker set it; `version` rises by one with each change."""

    is_active: bool = True
    is_paused: bool = False
    is_muted: bool = False
    volume: float = 1.0
    version: int = 1
    last_state_change: int

    @property
    def is_silent(self) -> bool:
        """Nothing that the speaker says now is for the listeners."""
        return self.is_paused or self.is_muted or self.volume == 0


class Frame(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", omit_defaults=True
):
    """A server frame. `timestamp` is epoch milliseconds; `request_id` echoes the sender's own."""

    timestamp: int
    request_id: str | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class SessionCreated(Frame, frozen=True, kw_only=True, tag="sessionCreated"):
    """`expires_at` is epoch milliseconds."""

    session_id: str
    source_language: str
    quality_tier: str
    connection_id: str
    expires_at: int


class SessionJoined(Frame, frozen=True, kw_only=True, tag="sessionJoined"):
    session_id: str
    target_language: str
    source_language: str
    connection_id: str
    broadcast_state: BroadcastState


class SessionLeft(Frame, frozen=True, kw_only=True, tag="sessionLeft"):
    pass


class SessionEnded(Frame, frozen=True, kw_only=True, tag="sessionEnded"):
    session_id: str
    reason: EndReason


class HeartbeatAck(Frame, frozen=True, kw_only=True, tag="heartbeatAck"):
    pass


class ConnectionRefreshRequired(Frame, frozen=True, kw_only=True, tag="connectionRefreshRequired"):
    """The socket will be closed before long: open another and refresh."""


class ConnectionWarning(Frame, frozen=True, kw_only=True, tag="connectionWarning"):
    """The same, with the minutes that are left until API Gateway closes the socket."""

    remaining_minutes: float


class ConnectionRefreshComplete(Frame, frozen=True, kw_only=True, tag="connectionRefreshComplete"):
    """`connection_id` is the new socket's."""

    session_id: str
    connection_id: str
    broadcast_state: BroadcastState


class StateRestored(Frame, frozen=True, kw_only=True, tag="stateRestored"):
    broadcast_state: BroadcastState


class BroadcastFrame(Frame, frozen=True, kw_only=True):
    """A change of the broadcast: the speaker's reply, and the same type to every listener.

    With the session's id, since `version` counts within a session.
    """

    session_id: str
    broadcast_state: BroadcastState


class BroadcastPaused(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastPaused"):
    pass


class BroadcastResumed(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastResumed"):
    """`paused_seconds`: how long the pause lasted that this ended; 0 when there was none."""

    paused_seconds: float


class BroadcastMuted(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastMuted"):
    pass


class BroadcastUnmuted(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastUnmuted"):
    pass


class VolumeChanged(BroadcastFrame, frozen=True, kw_only=True, tag="volumeChanged"):
    volume_level: float


class SpeakerStateChanged(BroadcastFrame, frozen=True, kw_only=True, tag="speakerStateChanged"):
    pass


class PlaybackPaused(Frame, frozen=True, kw_only=True, tag="playbackPaused"):
    pass


class PlaybackResumed(Frame, frozen=True, kw_only=True, tag="playbackResumed"):
    pass


class LanguageChanged(Frame, frozen=True, kw_only=True, tag="languageChanged"):
    target_language: str


class Caption(Frame, frozen=True, kw_only=True, tag="caption"):
    """What was said, for the listeners of one language.

    `sequence` rises within the session; a partial caption has that of the final one it grows into.
    `spoken_at` (epoch milliseconds) is when the speaker began to say it. Not `translated`: the
    text is the original, in the source language, whether it was asked for or nothing else came.
    """

    session_id: str
    sequence: int
    source_language: str
    target_language: str
    text: str
    original_text: str
    is_partial: bool
    spoken_at: int
    translated: bool


class RateLimitWarning(Frame, frozen=True, kw_only=True, tag="rateLimitWarning"):
    """More chunks come than `chunks_per_second`, and the excess is dropped; the socket is closed
    if that goes on for `closes_after_seconds` more.
    """

    session_id: str
    chunks_per_second: int
    closes_after_seconds: int


class TranscriptionError(Frame, frozen=True, kw_only=True, tag="transcriptionError"):
    """The audio of the session is not transcribed at present; it is tried again, with what is said
    then, after `retry_after_seconds`. A permanent failure will come again until something changes.
    """

    session_id: str
    message: str
    is_permanent: bool
    retry_after_seconds: int


class SessionStatus(Frame, frozen=True, kw_only=True, tag="sessionStatus"):
    """`session_duration` is whole seconds; languages without a listener are left out."""

    session_id: str
    listener_count: int
    language_distribution: dict[str, int]
    session_duration: int
    broadcast_state: BroadcastState
    update_reason: UpdateReason


class ErrorFrame(Frame, frozen=True, kw_only=True, tag="error"):
    code: ErrorCode
    message: str
    details: Mapping[str, Any] | None = None
