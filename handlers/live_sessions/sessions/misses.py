"""Misses: joinSession and refreshConnection name a session, and may name the wrong one.

They count per address, and per session where a passcode could be guessed. Once a limit is reached,
every further try is refused until the minute is over, a right one too.

Whether a try is a miss is found out first, and answered only after the counters have admitted it.
Both kinds of try update the counters in the same way, one by one and a miss by one more. So tries
at the same moment get no more answers than tries one after the other.
"""

from dataclasses import dataclass

from contract import metrics
from contract.actions import Rate
from live_sessions.aws.runtime import emit, logger
from live_sessions.sessions.rows import Session
from live_sessions.wire.messages import PASSCODE
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.refusals import ErrorCode, ProtocolError
from live_sessions.wire.requests import Caller

MISSES = frozenset(
    {
        ErrorCode.SESSION_NOT_FOUND,
        ErrorCode.INVALID_PASSCODE,
        # An old connection that is not in the session.
        ErrorCode.CONNECTION_NOT_FOUND,
    }
)


@dataclass(frozen=True)
class Misses:
    """Judges tries by their `refusal`, which is None for a right one."""

    rate_limits: RateLimits

    def judge_listener(
        self,
        caller: Caller,
        session: Session | None,
        refusal: ProtocolError | None,
        *,
        at_ms: int,
    ) -> None:
        """Judge a listener's try at a session, which is None if there is none of that id.

        Raises ProtocolError with RATE_LIMITED; with SERVICE_UNAVAILABLE if the session has a
        passcode and tries cannot be counted.
        """
        is_miss = refusal is not None and refusal.code in MISSES
        has_passcode = session is not None and session.access == PASSCODE
        if session is not None and has_passcode:
            # What the address may not try is not counted for the session.
            self._judge_address(caller, at_ms, is_miss=False, must_be_known=True)
            self._judge_session(session.session_id, at_ms, is_miss=is_miss)
        # Last: this count would show, even where the session's has refused, what was a miss.
        self._judge_address(caller, at_ms, is_miss=is_miss, must_be_known=has_passcode)
        emit({metrics.JOINS_MISSED: is_miss})

    def judge_speaker(self, caller: Caller, refusal: ProtocolError, *, at_ms: int) -> None:
        """Judge a speaker's try at a session that is not theirs; raises it with RATE_LIMITED.

        Their own is no guess: the token says who they are.
        """
        is_miss = refusal.code in MISSES
        self._judge_address(caller, at_ms, is_miss=is_miss, must_be_known=False)
        emit({metrics.JOINS_MISSED: is_miss})

    def _judge_session(self, session_id: str, at_ms: int, *, is_miss: bool) -> None:
        try:
            self.rate_limits.require(
                Rate.SESSION_MISSES, session_id, at_ms=at_ms, counted=is_miss, must_be_known=True
            )
        except ProtocolError as refusal:
            if refusal.code is ErrorCode.RATE_LIMITED:
                emit({metrics.PASSCODE_TRIES_REFUSED: 1})
                logger.warning("passcode tries refused", extra={"session": session_id})
            raise

    def _judge_address(
        self, caller: Caller, at_ms: int, *, is_miss: bool, must_be_known: bool
    ) -> None:
        rate = Rate.ADDRESS_MISSES
        self.rate_limits.require(
            rate,
            caller.subject_of(rate),
            at_ms=at_ms,
            counted=is_miss,
            must_be_known=must_be_known,
        )
