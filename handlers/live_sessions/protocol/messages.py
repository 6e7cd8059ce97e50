"""What a client may send: one type for each action, or for each role that sends it."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType


class Role(StrEnum):
    SPEAKER = "speaker"
    LISTENER = "listener"


SessionId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
ConnectionId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
LanguageCode = Annotated[str, msgspec.Meta(min_length=2, max_length=16)]
VolumeLevel = Annotated[float, msgspec.Meta(ge=0, le=1)]
SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A double holds it, which is all that JavaScript has."""


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every action may carry; unknown fields are ignored."""


class CreateSession(ClientMessage, frozen=True, kw_only=True):
    source_language: LanguageCode
    quality_tier: Literal["standard", "premium"] = "standard"


class JoinSession(ClientMessage, frozen=True, kw_only=True):
    session_id: SessionId
    target_language: LanguageCode


class ChangeLanguage(ClientMessage, frozen=True, kw_only=True):
    target_language: LanguageCode


class RefreshAsSpeaker(ClientMessage, frozen=True, kw_only=True):
    session_id: SessionId


class RefreshAsListener(ClientMessage, frozen=True, kw_only=True):
    """`connection_id` is the old socket's, which the listener alone was told."""

    session_id: SessionId
    connection_id: ConnectionId
    target_language: LanguageCode


class SetVolume(ClientMessage, frozen=True, kw_only=True):
    volume_level: VolumeLevel


class SendAudio(ClientMessage, frozen=True, kw_only=True):
    """`audio_data` is base64 text of s16le mono PCM at 16 kHz; `sequence` counts the chunks that a
    connection sends, from 0.
    """

    audio_data: str
    sequence: SequenceNumber


class StateChange(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """At least one of the broadcast's switches."""

    is_paused: bool | UnsetType = UNSET
    is_muted: bool | UnsetType = UNSET
    volume: VolumeLevel | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.is_paused is UNSET and self.is_muted is UNSET and self.volume is UNSET:
            raise ValueError("Expected at least one of isPaused, isMuted, volume")


class SpeakerStateChange(ClientMessage, frozen=True, kw_only=True):
    state: StateChange
