"""The speaker's controls: each is one update of the state, then a fan-out to the listeners."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import UNSET

from contract import metrics
from contract.actions import Role
from live_sessions.aws.runtime import Clock, emit, logger
from live_sessions.broadcast import state
from live_sessions.broadcast.state import BroadcastChange
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.follow_ups import BroadcastCheck, FanOut, FrameFanOut, SessionChecks
from live_sessions.sessions.rows import Session, SessionTable, require_live
from live_sessions.wire.frames import (
    BroadcastFrame,
    BroadcastMuted,
    BroadcastPaused,
    BroadcastResumed,
    BroadcastUnmuted,
    Frame,
    SpeakerStateChanged,
    VolumeChanged,
)
from live_sessions.wire.messages import ClientMessage, SetVolume, SpeakerStateChange
from live_sessions.wire.refusals import connection_not_found
from live_sessions.wire.requests import Answer, Answers, Request

VOLUME_DECIMALS = 3
SENT_AGAIN_AFTER_SECONDS = 5
"""As long as the listeners index may take to show a listener that has just joined."""


@dataclass(frozen=True)
class ControlResult:
    """The session after a control; `changed` is False if the control changed nothing."""

    session: Session
    changed: bool


@dataclass(frozen=True)
class Control:
    """What a message of one action changes, and the frame that reports the result.

    `frame` takes the result and the frame's timestamp (epoch milliseconds).
    """

    message: type[ClientMessage]
    change: Callable[[Any], BroadcastChange]
    frame: Callable[[ControlResult, int], BroadcastFrame]


def _resumed(result: ControlResult, timestamp: int) -> BroadcastResumed:
    session = result.session
    paused_ms = 0
    if result.changed and session.last_paused_at is not None:
        paused_ms = session.broadcast_state.last_state_change - session.last_paused_at
    return BroadcastResumed(
        timestamp=timestamp,
        session_id=session.session_id,
        broadcast_state=session.broadcast_state,
        paused_seconds=max(0, paused_ms) / 1000,
    )


def _volume_changed(result: ControlResult, timestamp: int) -> VolumeChanged:
    session = result.session
    return VolumeChanged(
        timestamp=timestamp,
        session_id=session.session_id,
        broadcast_state=session.broadcast_state,
        volume_level=session.broadcast_state.volume,
    )


def _reported_by(frame: type[BroadcastFrame]) -> Callable[[ControlResult, int], BroadcastFrame]:
    return lambda result, timestamp: frame(
        timestamp=timestamp,
        session_id=result.session.session_id,
        broadcast_state=result.session.broadcast_state,
    )


def _always(change: BroadcastChange) -> Callable[[Any], BroadcastChange]:
    return lambda _: change


def _volume(level: float) -> float:
    # Adding 0.0 turns minus zero into zero.
    return round(level, VOLUME_DECIMALS) + 0.0


def _set_volume(message: SetVolume) -> BroadcastChange:
    return BroadcastChange(volume=_volume(message.volume_level))


def _speaker_state_change(message: SpeakerStateChange) -> BroadcastChange:
    wanted = message.state
    return BroadcastChange(
        is_paused=None if wanted.is_paused is UNSET else wanted.is_paused,
        is_muted=None if wanted.is_muted is UNSET else wanted.is_muted,
        volume=None if wanted.volume is UNSET else _volume(wanted.volume),
    )


def _switch(frame: type[BroadcastFrame], change: BroadcastChange) -> Control:
    return Control(ClientMessage, _always(change), _reported_by(frame))


CONTROLS: Mapping[str, Control] = {
    "pauseBroadcast": _switch(BroadcastPaused, BroadcastChange(is_paused=True)),
    "resumeBroadcast": Control(ClientMessage, _always(BroadcastChange(is_paused=False)), _resumed),
    "muteBroadcast": _switch(BroadcastMuted, BroadcastChange(is_muted=True)),
    "unmuteBroadcast": _switch(BroadcastUnmuted, BroadcastChange(is_muted=False)),
    "setVolume": Control(SetVolume, _set_volume, _volume_changed),
    "speakerStateChange": Control(
        SpeakerStateChange, _speaker_state_change, _reported_by(SpeakerStateChanged)
    ),
}


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    """Changes broadcasts, and starts the fan-out of each change."""

    sessions: SessionTable
    connections: ConnectionTable
    fan_out: FanOut
    checks: SessionChecks
    clock: Clock

    def answers(self) -> Answers:
        """The answers to the speaker's controls."""
        return {
            action: {Role.SPEAKER: Answer(control.message, self._carrying_out(control))}
            for action, control in CONTROLS.items()
        }

    def _carrying_out(self, control: Control) -> Callable[[Request[Any]], Frame]:
        return lambda request: self._carry_out(control, request)

    def _carry_out(self, control: Control, request: Request[Any]) -> Frame:
        """Change the caller's broadcast and start the fan-out; returns the caller's reply.

        A control that changes nothing is answered with the unchanged state and is not sent to the
        listeners. Raises ProtocolError with CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or
        SESSION_ENDED.
        """
        connection_id, at_ms = request.caller.connection_id, request.at_ms
        row = self.connections.sender(connection_id, at_ms=at_ms)
        session_id = row and row.session_id
        if session_id is None:
            raise connection_not_found()
        update = state.change(
            self.sessions,
            session_id,
            control.change(request.message),
            speaker_connection_id=connection_id,
            at_ms=at_ms,
        )
        session = require_live(update.session, session_id, at_ms)
        if not session.is_of(connection_id):
            raise connection_not_found()
        frame = control.frame(ControlResult(session, update.done), self.clock.now_ms())
        if update.done:
            self._send_to_listeners(session, frame, at_ms)
        # The listeners' frames have no requestId.
        return msgspec.structs.replace(frame, request_id=request.request_id)

    def send_state(self, session: Session) -> None:
        """Send the state as it is to the listeners; raises botocore's errors."""
        report = _reported_by(SpeakerStateChanged)
        self._start(session.session_id, report(ControlResult(session, True), self.clock.now_ms()))

    def _send_to_listeners(self, session: Session, frame: BroadcastFrame, at_ms: int) -> None:
        """Start the fan-out, and arrange for the listeners that it may miss."""
        is_settled = at_ms - session.membership_changed_at >= SENT_AGAIN_AFTER_SECONDS * 1000
        try:
            self._start(session.session_id, frame)
        except (ClientError, BotoCoreError):
            logger.exception(
                "A fan-out could not be started", extra={"session": session.session_id}
            )
            is_settled = False
        if not is_settled:
            self._send_again_later(session)

    def _start(self, session_id: str, frame: BroadcastFrame) -> None:
        self.fan_out.start(
            FrameFanOut(
                session_id=session_id,
                frame=frame.encode().decode(),
                version=frame.broadcast_state.version,
            )
        )

    def _send_again_later(self, session: Session) -> None:
        check = BroadcastCheck(
            session_id=session.session_id, version=session.broadcast_state.version
        )
        try:
            self.checks.send(check, delay_seconds=SENT_AGAIN_AFTER_SECONDS)
        except (ClientError, BotoCoreError):
            emit({metrics.LISTENERS_NOT_TOLD: 1})
            logger.exception(
                "Some listeners may miss a change", extra={"session": session.session_id}
            )
