"""The table of actions: who may send each, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from live_sessions.protocol.frames import (
    BroadcastFrame,
    BroadcastMuted,
    BroadcastPaused,
    BroadcastResumed,
    BroadcastUnmuted,
    Caption,
    ConnectionRefreshComplete,
    ConnectionRefreshRequired,
    ConnectionWarning,
    Frame,
    HeartbeatAck,
    LanguageChanged,
    PlaybackPaused,
    PlaybackResumed,
    RateLimitWarning,
    SessionCreated,
    SessionEnded,
    SessionJoined,
    SessionLeft,
    SessionStatus,
    SpeakerStateChanged,
    StateRestored,
    TranscriptionError,
    VolumeChanged,
)
from live_sessions.protocol.messages import (
    ChangeLanguage,
    ClientMessage,
    CreateSession,
    JoinSession,
    RefreshAsListener,
    RefreshAsSpeaker,
    Role,
    SendAudio,
    SetVolume,
    SpeakerStateChange,
)


@dataclass(frozen=True)
class Action:
    """`messages`: the message type of each role that may send it; `reply`: the sender's answer,
    None where an accepted message has none and a refusal is posted.

    `posts` may follow to the sender, `to_listeners` goes to every listener of the session,
    `to_speaker` to its speaker when it is due.
    """

    messages: Mapping[Role, type[ClientMessage]]
    reply: type[Frame] | None
    posts: tuple[type[Frame], ...] = ()
    to_listeners: type[Frame] | None = None
    to_speaker: type[Frame] | None = None


def _speakers(
    message: type[ClientMessage], reply: type[Frame], to_listeners: type[Frame] | None = None
) -> Action:
    return Action({Role.SPEAKER: message}, reply, to_listeners=to_listeners)


def _control(message: type[ClientMessage], frame: type[BroadcastFrame]) -> Action:
    """The speaker's reply and what the listeners are told are of one type."""
    return _speakers(message, frame, frame)


def _listeners(
    message: type[ClientMessage], reply: type[Frame], to_speaker: type[Frame] | None = None
) -> Action:
    return Action({Role.LISTENER: message}, reply, to_speaker=to_speaker)


ACTIONS: Mapping[str, Action] = {
    "createSession": _speakers(CreateSession, SessionCreated),
    "joinSession": _listeners(JoinSession, SessionJoined, SessionStatus),
    "leaveSession": _listeners(ClientMessage, SessionLeft, SessionStatus),
    "endSession": _speakers(ClientMessage, SessionEnded, SessionEnded),
    "heartbeat": Action(
        {Role.SPEAKER: ClientMessage, Role.LISTENER: ClientMessage},
        HeartbeatAck,
        posts=(ConnectionRefreshRequired, ConnectionWarning),
    ),
    "refreshConnection": Action(
        {Role.SPEAKER: RefreshAsSpeaker, Role.LISTENER: RefreshAsListener},
        ConnectionRefreshComplete,
        posts=(StateRestored,),
    ),
    "pauseBroadcast": _control(ClientMessage, BroadcastPaused),
    "resumeBroadcast": _control(ClientMessage, BroadcastResumed),
    "muteBroadcast": _control(ClientMessage, BroadcastMuted),
    "unmuteBroadcast": _control(ClientMessage, BroadcastUnmuted),
    "setVolume": _control(SetVolume, VolumeChanged),
    "speakerStateChange": _control(SpeakerStateChange, SpeakerStateChanged),
    "sendAudio": Action(
        {Role.SPEAKER: SendAudio},
        None,
        posts=(RateLimitWarning, TranscriptionError),
        to_listeners=Caption,
    ),
    "getSessionStatus": _speakers(ClientMessage, SessionStatus),
    "pausePlayback": _listeners(ClientMessage, PlaybackPaused),
    "resumePlayback": _listeners(ClientMessage, PlaybackResumed),
    "changeLanguage": _listeners(ChangeLanguage, LanguageChanged, SessionStatus),
}
