"""The speaker's controls of the broadcast: one update each, then the listeners are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import UNSET

from live_sessions.caller import Caller
from live_sessions.follow_ups import BroadcastCheck, FanOut, FrameFanOut, SessionChecks
from live_sessions.protocol import (
    BroadcastFrame,
    BroadcastMuted,
    BroadcastPaused,
    BroadcastResumed,
    BroadcastUnmuted,
    SetVolume,
    SpeakerStateChange,
    SpeakerStateChanged,
    VolumeChanged,
)
from live_sessions.protocol.refusals import connection_not_found
from live_sessions.sessions import Session, now_ms, require_live
from live_sessions.tables import broadcast_state
from live_sessions.tables.broadcast_state import BroadcastChange
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable
from live_sessions.telemetry import count, logger

VOLUME_DECIMALS = 3
RETOLD_AFTER_SECONDS = 5
"""As long as the listeners index may take to show a listener who has just joined."""


@dataclass(frozen=True)
class Outcome:
    """The session after a control; `changed` is False when the control changed nothing."""

    session: Session
    changed: bool


@dataclass(frozen=True)
class Control:
    """What a message of the action asks for, and the frame that tells its outcome."""

    change: Callable[[Any], BroadcastChange]
    frame: Callable[[Outcome], BroadcastFrame]


def _resumed(outcome: Outcome) -> BroadcastResumed:
    session = outcome.session
    paused_ms = 0
    if outcome.changed and session.last_paused_at is not None:
        paused_ms = session.broadcast_state.last_state_change - session.last_paused_at
    return BroadcastResumed(
        timestamp=now_ms(),
        session_id=session.session_id,
        broadcast_state=session.broadcast_state,
        paused_seconds=max(0, paused_ms) / 1000,
    )


def _volume_changed(outcome: Outcome) -> VolumeChanged:
    session = outcome.session
    return VolumeChanged(
        timestamp=now_ms(),
        session_id=session.session_id,
        broadcast_state=session.broadcast_state,
        volume_level=session.broadcast_state.volume,
    )


def _told_by(frame: type[BroadcastFrame]) -> Callable[[Outcome], BroadcastFrame]:
    return lambda outcome: frame(
        timestamp=now_ms(),
        session_id=outcome.session.session_id,
        broadcast_state=outcome.session.broadcast_state,
    )


def _always(change: BroadcastChange) -> Callable[[Any], BroadcastChange]:
    return lambda _: change


def _volume(level: float) -> float:
    # Minus zero becomes zero.
    return round(level, VOLUME_DECIMALS) + 0.0


def _set_volume(message: SetVolume) -> BroadcastChange:
    return BroadcastChange(volume=_volume(message.volume_level))


def _speaker_state_change(message: SpeakerStateChange) -> BroadcastChange:
    state = message.state
    return BroadcastChange(
        is_paused=None if state.is_paused is UNSET else state.is_paused,
        is_muted=None if state.is_muted is UNSET else state.is_muted,
        volume=None if state.volume is UNSET else _volume(state.volume),
    )


CONTROLS: Mapping[str, Control] = {
    "pauseBroadcast": Control(_always(BroadcastChange(is_paused=True)), _told_by(BroadcastPaused)),
    "resumeBroadcast": Control(_always(BroadcastChange(is_paused=False)), _resumed),
    "muteBroadcast": Control(_always(BroadcastChange(is_muted=True)), _told_by(BroadcastMuted)),
    "unmuteBroadcast": Control(
        _always(BroadcastChange(is_muted=False)), _told_by(BroadcastUnmuted)
    ),
    "setVolume": Control(_set_volume, _volume_changed),
    "speakerStateChange": Control(_speaker_state_change, _told_by(SpeakerStateChanged)),
}


@dataclass(frozen=True)
class Broadcast:
    sessions: SessionTable
    connections: ConnectionTable
    fan_out: FanOut
    checks: SessionChecks

    def carry_out(
        self, control: Control, caller: Caller, message: Any, *, at_ms: int
    ) -> BroadcastFrame:
        """Change the caller's broadcast and start telling its listeners; returns his reply.

        A control that changes nothing is answered with the state as it is, and told to nobody.

        Raises ProtocolError with CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or SESSION_ENDED.
        """
        session_id = self.connections.session_of(caller.connection_id, at_ms=at_ms)
        if session_id is None:
            raise connection_not_found()
        attempt = broadcast_state.change(
            self.sessions,
            session_id,
            control.change(message),
            speaker_connection_id=caller.connection_id,
            at_ms=at_ms,
        )
        session = require_live(attempt.session, session_id, at_ms)
        if not session.is_of(caller.connection_id):
            raise connection_not_found()
        frame = control.frame(Outcome(session, attempt.done))
        if attempt.done:
            self._tell_listeners(session, frame, at_ms)
        return frame

    def tell_state(self, session: Session) -> None:
        """Tell the listeners the state as it is."""
        self._start(session.session_id, _told_by(SpeakerStateChanged)(Outcome(session, True)))

    def _tell_listeners(self, session: Session, frame: BroadcastFrame, at_ms: int) -> None:
        """Start the fan-out, and see to those whom it may miss."""
        is_settled = at_ms - session.membership_changed_at >= RETOLD_AFTER_SECONDS * 1000
        try:
            self._start(session.session_id, frame)
        except (ClientError, BotoCoreError):
            logger.exception(
                "A fan-out could not be started", extra={"session": session.session_id}
            )
            is_settled = False
        if not is_settled:
            self._tell_again_later(session)

    def _start(self, session_id: str, frame: BroadcastFrame) -> None:
        self.fan_out.start(FrameFanOut(session_id=session_id, frame=frame.encode().decode()))

    def _tell_again_later(self, session: Session) -> None:
        check = BroadcastCheck(
            session_id=session.session_id, version=session.broadcast_state.version
        )
        try:
            self.checks.send(check, delay_seconds=RETOLD_AFTER_SECONDS)
        except (ClientError, BotoCoreError):
            count(ListenersNotTold=1)
            logger.exception(
                "Some listeners may not be told", extra={"session": session.session_id}
            )


def with_request_id(frame: BroadcastFrame, request_id: str | None) -> BroadcastFrame:
    """The sender's own reply: what the listeners are told has no requestId."""
    return msgspec.structs.replace(frame, request_id=request_id)
