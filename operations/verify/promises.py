"""What docs/protocol.md specifies for each action; tests check it against the code."""

from collections.abc import Mapping
from dataclasses import dataclass

SPEAKER = "speaker"
LISTENER = "listener"
BOTH = (SPEAKER, LISTENER)


@dataclass(frozen=True)
class Promise:
    """`roles` may send the action. `reply` is the type of the reply, or "" if there is none;
    `fields` are its fields in addition to type, timestamp and requestId.

    With `to_listeners`, each listener receives a frame of the same type.
    """

    roles: tuple[str, ...]
    reply: str
    fields: tuple[str, ...] = ()
    to_listeners: bool = False


def _control(reply: str, *fields: str) -> Promise:
    return Promise((SPEAKER,), reply, ("sessionId", "broadcastState", *fields), to_listeners=True)


PROMISES: Mapping[str, Promise] = {
    "createSession": Promise(
        (SPEAKER,),
        "sessionCreated",
        ("sessionId", "sourceLanguage", "qualityTier", "connectionId", "expiresAt"),
    ),
    "joinSession": Promise(
        (LISTENER,),
        "sessionJoined",
        ("sessionId", "targetLanguage", "sourceLanguage", "connectionId", "broadcastState"),
    ),
    "leaveSession": Promise((LISTENER,), "sessionLeft"),
    "endSession": Promise((SPEAKER,), "sessionEnded", ("sessionId", "reason"), to_listeners=True),
    "heartbeat": Promise(BOTH, "heartbeatAck"),
    "refreshConnection": Promise(
        BOTH, "connectionRefreshComplete", ("sessionId", "connectionId", "broadcastState")
    ),
    "pauseBroadcast": _control("broadcastPaused"),
    "resumeBroadcast": _control("broadcastResumed", "pausedSeconds"),
    "muteBroadcast": _control("broadcastMuted"),
    "unmuteBroadcast": _control("broadcastUnmuted"),
    "setVolume": _control("volumeChanged", "volumeLevel"),
    "speakerStateChange": _control("speakerStateChanged"),
    "sendAudio": Promise((SPEAKER,), ""),
    "getSessionStatus": Promise(
        (SPEAKER,),
        "sessionStatus",
        (
            "sessionId",
            "listenerCount",
            "languageDistribution",
            "sessionDuration",
            "broadcastState",
            "updateReason",
        ),
    ),
    "pausePlayback": Promise((LISTENER,), "playbackPaused"),
    "resumePlayback": Promise((LISTENER,), "playbackResumed"),
    "changeLanguage": Promise((LISTENER,), "languageChanged", ("targetLanguage",)),
}
