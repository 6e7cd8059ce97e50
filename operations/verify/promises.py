"""The reply that `make verify` expects to each action, by the contract and docs/protocol.md."""

from collections.abc import Mapping
from dataclasses import dataclass

from contract.actions import ACTIONS, Role

SPEAKER = Role.SPEAKER.value
LISTENER = Role.LISTENER.value

_BROADCAST_FRAME = ("sessionId", "broadcastState")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "sessionCreated": (
        *("sessionId", "sourceLanguage", "sourceLocale", "qualityTier", "sampleRateHertz"),
        *("access", "connectionId", "expiresAt"),
    ),
    "sessionJoined": (
        *("sessionId", "targetLanguage", "sourceLanguage", "connectionId", "broadcastState"),
        "isTranscriptKept",
    ),
    "sessionEnded": ("sessionId", "reason"),
    "connectionRefreshComplete": ("sessionId", "connectionId", "broadcastState"),
    "broadcastPaused": _BROADCAST_FRAME,
    "broadcastResumed": (*_BROADCAST_FRAME, "pausedSeconds"),
    "broadcastMuted": _BROADCAST_FRAME,
    "broadcastUnmuted": _BROADCAST_FRAME,
    "volumeChanged": (*_BROADCAST_FRAME, "volumeLevel"),
    "speakerStateChanged": _BROADCAST_FRAME,
    "sessionStatus": (
        *("sessionId", "listenerCount", "languageDistribution", "sessionDuration"),
        *("broadcastState", "updateReason"),
    ),
    "languageChanged": ("targetLanguage",),
    "captionHistory": ("sessionId", "targetLanguage", "captions", "isComplete"),
    "transcript": ("sessionId", "language", "format", "url", "expiresAt"),
}
"""The fields that a reply always has in addition to type, timestamp and requestId."""


@dataclass(frozen=True)
class Promise:
    """`roles` may send the action. `reply` is the type of the reply, or "" if there is none;
    `fields` are its fields in addition to type, timestamp and requestId.
    """

    roles: tuple[str, ...]
    reply: str
    fields: tuple[str, ...] = ()


PROMISES: Mapping[str, Promise] = {
    name: Promise(action.roles, action.reply or "", FIELDS.get(action.reply or "", ()))
    for name, action in ACTIONS.items()
}
