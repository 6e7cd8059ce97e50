"""The messages that clients send: one type for each action, or for each role that sends it.

Once read, `target_language` is the supported language that the client's tag stands for.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from contract.actions import Role

REQUEST_ID_LIMIT_CHARACTERS = 64

SessionId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
ConnectionId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
LanguageTag = Annotated[str, msgspec.Meta(min_length=2, max_length=35)]
"""A language tag as a client has it; https://www.rfc-editor.org/rfc/rfc5646#section-4.4.1 advises
implementations to accept at least 35 characters.
"""

VolumeLevel = Annotated[float, msgspec.Meta(ge=0, le=1)]
SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""The largest integer that a JavaScript number represents exactly is 2**53 - 1."""

SampleRate = Annotated[int, msgspec.Meta(ge=8_000, le=48_000)]
"""Samples per second:
https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_StartStreamTranscription.html
"""

DEFAULT_SAMPLE_RATE_HERTZ = 16_000

TranscriptFormat = Literal["txt", "srt", "vtt", "json"]

Access = Literal["open", "passcode"]
"""Who may join a session: everyone who has its id, or everyone who has its passcode as well."""

PASSCODE = "passcode"
"""The parameter of joinSession and the value of `access`. No log or error has its value."""


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of every message, and the type of one without fields; ignores unknown fields."""


class CreateSession(ClientMessage, frozen=True, kw_only=True):
    """Create a session; premium listeners also receive partial captions.

    `source_language` is the client's tag, which names the accent too.
    """

    source_language: LanguageTag
    quality_tier: Literal["standard", "premium"] = "standard"
    sample_rate_hertz: SampleRate = DEFAULT_SAMPLE_RATE_HERTZ
    access: Access = "open"
    receive_captions: bool = False
    keep_transcript: bool = False


class JoinSession(ClientMessage, frozen=True, kw_only=True):
    """Join a session in one language; one whose access is by passcode needs the `passcode`."""

    session_id: SessionId
    target_language: LanguageTag
    passcode: str | UnsetType = UNSET


class ChangeLanguage(ClientMessage, frozen=True, kw_only=True):
    """Receive captions in another language from now on."""

    target_language: LanguageTag


class GetCaptions(ClientMessage, frozen=True, kw_only=True):
    """Ask for the captions after the one with the sequence `since`, or for the last ones."""

    since: SequenceNumber | UnsetType = UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class GetTranscript(ClientMessage, frozen=True, kw_only=True):
    """Ask for a link to a transcript: of the connection's session, in the source language."""

    session_id: SessionId | UnsetType = UNSET
    language: LanguageTag | UnsetType = UNSET
    format: TranscriptFormat = "txt"


class RefreshAsSpeaker(ClientMessage, frozen=True, kw_only=True):
    """Continue a session of the same user on this socket, with its audio at the same rate unless
    another one is given.
    """

    session_id: SessionId
    sample_rate_hertz: SampleRate | UnsetType = UNSET
    receive_captions: bool | UnsetType = UNSET


class RefreshAsListener(ClientMessage, frozen=True, kw_only=True):
    """`connection_id` is the old socket's, which only that listener knows."""

    session_id: SessionId
    connection_id: ConnectionId
    target_language: LanguageTag


class SetVolume(ClientMessage, frozen=True, kw_only=True):
    """Set the volume: from 0 (no audio is transcribed) to 1."""

    volume_level: VolumeLevel


class SendAudio(ClientMessage, frozen=True, kw_only=True):
    """`audio_data` is base64 text of s16le mono PCM at the session's sample rate. `sequence` counts
    the chunks of a connection from 0.
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
    """Change several switches at once."""

    state: StateChange


MESSAGES: Mapping[tuple[str, Role], type[ClientMessage]] = {
    ("createSession", Role.SPEAKER): CreateSession,
    ("joinSession", Role.LISTENER): JoinSession,
    ("changeLanguage", Role.LISTENER): ChangeLanguage,
    ("getCaptions", Role.LISTENER): GetCaptions,
    ("getTranscript", Role.SPEAKER): GetTranscript,
    ("refreshConnection", Role.SPEAKER): RefreshAsSpeaker,
    ("refreshConnection", Role.LISTENER): RefreshAsListener,
    ("setVolume", Role.SPEAKER): SetVolume,
    ("speakerStateChange", Role.SPEAKER): SpeakerStateChange,
    ("sendAudio", Role.SPEAKER): SendAudio,
}
"""The types of the messages that have fields, by action and sender."""
