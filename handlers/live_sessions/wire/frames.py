"""The frames that the server sends: replies, posts and errors."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from live_sessions.wire.messages import Access, TranscriptFormat
from live_sessions.wire.refusals import ErrorCode


class EndReason(StrEnum):
    """Why a session ended."""

    SPEAKER_ENDED = "speakerEnded"
    SPEAKER_LOST = "speakerLost"
    EXPIRED = "expired"
    OPERATOR = "operator"


class UpdateReason(StrEnum):
    """Why a session's status was sent."""

    REQUESTED = "requested"
    PERIODIC = "periodic"
    LISTENER_COUNT_CHANGE = "listenerCountChange"
    NEW_LANGUAGE = "newLanguage"


class BroadcastState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The broadcast as its speaker set it.

    `version` rises by one with each change; `last_state_change` is epoch milliseconds.
    """

    is_active: bool = True
    is_paused: bool = False
    is_muted: bool = False
    volume: float = 1.0
    version: int = 1
    last_state_change: int

    @property
    def is_silent(self) -> bool:
        """Whether the speaker's audio is dropped: paused, muted, or at volume 0."""
        return self.is_paused or self.is_muted or self.volume == 0


class Frame(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", omit_defaults=True
):
    """A server frame. `timestamp` is epoch milliseconds; `request_id` echoes the sender's own."""

    timestamp: int
    request_id: str | None = None

    def encode(self) -> bytes:
        """The frame as JSON text."""
        return msgspec.json.encode(self)


class SessionCreated(Frame, frozen=True, kw_only=True, tag="sessionCreated"):
    """`source_locale` is Transcribe's code for the accent; `expires_at` is epoch milliseconds.

    `passcode` is there if `access` is by passcode.
    """

    session_id: str
    source_language: str
    source_locale: str
    quality_tier: str
    sample_rate_hertz: int
    access: Access
    passcode: str | None = None
    connection_id: str
    expires_at: int


class SessionJoined(Frame, frozen=True, kw_only=True, tag="sessionJoined"):
    """`is_transcript_kept`: what is said in the session is kept as a transcript after its end."""

    session_id: str
    target_language: str
    source_language: str
    connection_id: str
    broadcast_state: BroadcastState
    is_transcript_kept: bool


class SessionLeft(Frame, frozen=True, kw_only=True, tag="sessionLeft"):
    """The reply to leaveSession."""


class SessionEnded(Frame, frozen=True, kw_only=True, tag="sessionEnded"):
    """The reply to endSession, and the notice to everyone else in the session."""

    session_id: str
    reason: EndReason


class HeartbeatAck(Frame, frozen=True, kw_only=True, tag="heartbeatAck"):
    """The reply to heartbeat."""


class ConnectionRefreshRequired(Frame, frozen=True, kw_only=True, tag="connectionRefreshRequired"):
    """API Gateway will close the socket soon: open another one and refresh."""


class ConnectionWarning(Frame, frozen=True, kw_only=True, tag="connectionWarning"):
    """API Gateway closes the socket in `remaining_minutes`: refresh now."""

    remaining_minutes: float


class ConnectionRefreshComplete(Frame, frozen=True, kw_only=True, tag="connectionRefreshComplete"):
    """The reply to refreshConnection; `connection_id` is the new socket's.

    What follows the broadcast state is for the speaker alone, such as for a page that was reloaded:
    the session as sessionCreated described it, at the sample rate that it has now.
    """

    session_id: str
    connection_id: str
    broadcast_state: BroadcastState
    source_language: str | None = None
    sample_rate_hertz: int | None = None
    access: Access | None = None
    passcode: str | None = None
    expires_at: int | None = None


class StateRestored(Frame, frozen=True, kw_only=True, tag="stateRestored"):
    """The broadcast state that a speaker's new socket continues with."""

    broadcast_state: BroadcastState


class BroadcastFrame(Frame, frozen=True, kw_only=True):
    """A change of the broadcast: the speaker's reply, and the same type to every listener.

    `version` counts within a session, so the session's id is part of the frame.
    """

    session_id: str
    broadcast_state: BroadcastState


class BroadcastPaused(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastPaused"):
    """The broadcast is paused."""


class BroadcastResumed(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastResumed"):
    """`paused_seconds` is how long the pause lasted; 0 if the broadcast was not paused."""

    paused_seconds: float


class BroadcastMuted(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastMuted"):
    """The broadcast is muted."""


class BroadcastUnmuted(BroadcastFrame, frozen=True, kw_only=True, tag="broadcastUnmuted"):
    """The broadcast is no longer muted."""


class VolumeChanged(BroadcastFrame, frozen=True, kw_only=True, tag="volumeChanged"):
    """The broadcast's volume, from 0 to 1."""

    volume_level: float


class SpeakerStateChanged(BroadcastFrame, frozen=True, kw_only=True, tag="speakerStateChanged"):
    """Several switches changed at once, or the state is sent again."""


class PlaybackPaused(Frame, frozen=True, kw_only=True, tag="playbackPaused"):
    """The reply to pausePlayback."""


class PlaybackResumed(Frame, frozen=True, kw_only=True, tag="playbackResumed"):
    """The reply to resumePlayback."""


class LanguageChanged(Frame, frozen=True, kw_only=True, tag="languageChanged"):
    """The reply to changeLanguage."""

    target_language: str


class Caption(Frame, frozen=True, kw_only=True, tag="caption"):
    """A piece of speech for the listeners of one language.

    `sequence` rises within the session; a partial caption has the sequence of the final one that
    replaces it. `spoken_at` (epoch milliseconds) is when its first word began. `translated` is
    False if `text` is the original: in the source language, or because the translation failed.
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


class KeptCaption(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A final caption that was kept: what its `caption` frame had, but for the session."""

    sequence: int
    source_language: str
    target_language: str
    text: str
    original_text: str
    is_partial: bool
    spoken_at: int
    translated: bool


class CaptionHistory(Frame, frozen=True, kw_only=True, tag="captionHistory"):
    """The reply to getCaptions, the oldest caption first.

    `is_complete` is True if there are no later captions to ask for.
    """

    session_id: str
    target_language: str
    captions: list[KeptCaption]
    is_complete: bool


class TranscriptLink(Frame, frozen=True, kw_only=True, tag="transcript"):
    """The reply to getTranscript: where to get the file until `expires_at` (epoch milliseconds)."""

    session_id: str
    language: str
    format: TranscriptFormat
    url: str
    expires_at: int


class RateLimitWarning(Frame, frozen=True, kw_only=True, tag="rateLimitWarning"):
    """Chunks over `chunks_per_second` are dropped; the socket is closed if the excess goes on for
    another `closes_after_seconds`.
    """

    session_id: str
    chunks_per_second: int
    closes_after_seconds: int


class TranscriptionError(Frame, frozen=True, kw_only=True, tag="transcriptionError"):
    """The session's audio is not being transcribed.

    Transcription is tried again after `retry_after_seconds`, with the audio that arrives then. A
    permanent failure recurs until its cause is removed.
    """

    session_id: str
    message: str
    is_permanent: bool
    retry_after_seconds: int


class SessionStatus(Frame, frozen=True, kw_only=True, tag="sessionStatus"):
    """`session_duration` is whole seconds; languages without listeners are left out."""

    session_id: str
    listener_count: int
    language_distribution: dict[str, int]
    session_duration: int
    broadcast_state: BroadcastState
    update_reason: UpdateReason


class ErrorFrame(Frame, frozen=True, kw_only=True, tag="error"):
    """A refusal; `details` has the values that the message names."""

    code: ErrorCode
    message: str
    details: Mapping[str, Any] | None = None
