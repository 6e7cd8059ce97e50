"""The actions of the wire protocol: who sends each, which function answers it, and in what time.

Routes, dispatch, the removable routes of stack config and the checks of `make verify` derive from
this table; docs/protocol.md is tested against it. To give up an action, retire it first (see
RETIRED_ACTIONS).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contract.metrics import (
    CONTROL_ACK_MILLISECONDS,
    JOIN_MILLISECONDS,
    SESSION_CREATION_MILLISECONDS,
    Metric,
)

LONGEST_TIMEOUT_SECONDS = 29
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

SPEAKER_CONTROL_TIMEOUT_SECONDS = 10
LISTENER_CONTROL_TIMEOUT_SECONDS = 5


class Role(StrEnum):
    """Who holds a connection: one with a token is a speaker, every other one a listener."""

    SPEAKER = "speaker"
    LISTENER = "listener"


class Rate(StrEnum):
    """What a rate limit counts; the value is the start of its row's key and part of its message."""

    SESSIONS = "sessions"
    JOINS = "joins"
    CONNECTIONS = "connections"
    CONTROLS = "controls"
    STATUS_QUERIES = "status-queries"
    ADDRESS_MISSES = "failed-joins"
    SESSION_MISSES = "failed-joins-of-this-session"


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of the protocol.

    `name` is the route key. `function` is the entry module that answers within `timeout_seconds`,
    API Gateway's integration timeout. Frames are named by their `type`: `reply` goes to the sender
    (None: an accepted message has no reply, and a refusal is posted), `posts` may follow it,
    `to_listeners` goes to every listener of the session, `to_speaker` to its speaker when due.
    `rates` are the limits that each message counts against, in this order; `duration` is the metric
    that times it from its arrival at API Gateway to its reply.
    """

    name: str
    roles: tuple[Role, ...]
    function: str
    reply: str | None
    timeout_seconds: int = LONGEST_TIMEOUT_SECONDS
    posts: tuple[str, ...] = ()
    to_listeners: str | None = None
    to_speaker: str | None = None
    rates: tuple[Rate, ...] = ()
    duration: Metric | None = None


def _control(name: str, frame: str) -> Action:
    """The speaker's reply and the listeners' frame have the same type."""
    return Action(
        name=name,
        roles=(Role.SPEAKER,),
        function="connection",
        timeout_seconds=SPEAKER_CONTROL_TIMEOUT_SECONDS,
        reply=frame,
        to_listeners=frame,
        rates=(Rate.CONTROLS,),
        duration=CONTROL_ACK_MILLISECONDS,
    )


def _listener_control(name: str, reply: str, to_speaker: str | None = None) -> Action:
    return Action(
        name=name,
        roles=(Role.LISTENER,),
        function="connection",
        timeout_seconds=LISTENER_CONTROL_TIMEOUT_SECONDS,
        reply=reply,
        to_speaker=to_speaker,
        rates=(Rate.CONTROLS,),
    )


_ACTIONS = (
    Action(
        name="createSession",
        roles=(Role.SPEAKER,),
        function="connection",
        reply="sessionCreated",
        rates=(Rate.SESSIONS,),
        duration=SESSION_CREATION_MILLISECONDS,
    ),
    Action(
        name="endSession",
        roles=(Role.SPEAKER,),
        function="connection",
        reply="sessionEnded",
        to_listeners="sessionEnded",
    ),
    Action(
        name="joinSession",
        roles=(Role.LISTENER,),
        function="connection",
        reply="sessionJoined",
        to_speaker="sessionStatus",
        rates=(Rate.JOINS,),
        duration=JOIN_MILLISECONDS,
    ),
    Action(
        name="leaveSession",
        roles=(Role.LISTENER,),
        function="connection",
        reply="sessionLeft",
        to_speaker="sessionStatus",
    ),
    _control("pauseBroadcast", "broadcastPaused"),
    _control("resumeBroadcast", "broadcastResumed"),
    _control("muteBroadcast", "broadcastMuted"),
    _control("unmuteBroadcast", "broadcastUnmuted"),
    _control("setVolume", "volumeChanged"),
    _control("speakerStateChange", "speakerStateChanged"),
    _listener_control("pausePlayback", "playbackPaused"),
    _listener_control("resumePlayback", "playbackResumed"),
    _listener_control("changeLanguage", "languageChanged", "sessionStatus"),
    _listener_control("getCaptions", "captionHistory"),
    Action(
        name="getTranscript",
        roles=(Role.SPEAKER,),
        function="connection",
        timeout_seconds=SPEAKER_CONTROL_TIMEOUT_SECONDS,
        reply="transcript",
        rates=(Rate.CONTROLS,),
    ),
    Action(
        name="heartbeat",
        roles=(Role.SPEAKER, Role.LISTENER),
        function="heartbeat",
        timeout_seconds=10,
        reply="heartbeatAck",
        posts=("connectionRefreshRequired", "connectionWarning"),
    ),
    Action(
        name="refreshConnection",
        roles=(Role.SPEAKER, Role.LISTENER),
        function="refresh",
        reply="connectionRefreshComplete",
        posts=("stateRestored",),
        # One socket that sends too many does not use up the joins of its address.
        rates=(Rate.CONTROLS, Rate.JOINS),
    ),
    Action(
        name="getSessionStatus",
        roles=(Role.SPEAKER,),
        function="session_status",
        timeout_seconds=5,
        reply="sessionStatus",
        rates=(Rate.STATUS_QUERIES,),
    ),
    Action(
        name="sendAudio",
        roles=(Role.SPEAKER,),
        function="audio_ingest",
        timeout_seconds=10,
        reply=None,
        posts=("rateLimitWarning", "transcriptionError"),
        to_listeners="caption",
    ),
)

_RETIRED_ACTIONS: tuple[Action, ...] = ()

ACTIONS: Mapping[str, Action] = {action.name: action for action in _ACTIONS}

RETIRED_ACTIONS: Mapping[str, Action] = {action.name: action for action in _RETIRED_ACTIONS}
"""The actions that the latest release still had and that this one gives up, as they were.

Their routes stay for this release and refuse every message with INVALID_ACTION, as removed routes
do. The next release drops them: by then no deployment of the API carries out the action, so it does
not matter that Pulumi deletes a route only after it has made the deployment.
"""

ROUTED_ACTIONS: Mapping[str, Action] = {**ACTIONS, **RETIRED_ACTIONS}
"""The actions that have a route."""


def answered_by(function: str) -> tuple[Action, ...]:
    """The actions that an entry module answers, in the order of the table."""
    return tuple(action for action in ACTIONS.values() if action.function == function)
