"""A session's listener counts: each move one conditional update of the session's row.

Moves add and subtract, so that they may come in any order; a language's count may be below zero
while a leave and a change of language cross each other.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from live_sessions.protocol import ProtocolError
from live_sessions.protocol.refusals import session_ended, session_full, session_not_found
from live_sessions.sessions import Session, now_ms
from live_sessions.tables.session_table import Attempt, SessionTable

_MOVES = (
    "SET membershipVersion = membershipVersion + :one, membershipChangedAt = :now, "
    "lastMoveId = :move"
)
_NOT_MOVED_YET = "(attribute_not_exists(lastMoveId) OR lastMoveId <> :move)"
_NOT_ENDED = "attribute_exists(sessionId) AND attribute_not_exists(endedAt)"


def reserve_place(
    sessions: SessionTable, session_id: str, language: str, *, limit: int, move_id: str, at_ms: int
) -> Session:
    """Count one listener more, if the session is live and has a place left.

    Raises ProtocolError with SESSION_NOT_FOUND, SESSION_ENDED or SESSION_FULL; then nothing has
    changed.
    """
    outcome = sessions.attempt(
        session_id,
        f"{_MOVES}, listenerCount = listenerCount + :one, {_adds('#language', '+')}",
        condition=(
            f"{_NOT_ENDED} AND expiresAt > :now_seconds AND listenerCount < :limit "
            f"AND {_NOT_MOVED_YET}"
        ),
        names={"#language": language},
        values=_values(move_id) | {":limit": limit, ":now_seconds": at_ms / 1000},
    )
    session = _found(outcome, session_id)
    if outcome.done or session.last_move_id == move_id:
        return session
    raise session_full(session_id, limit) if session.is_live(at_ms) else session_ended(session_id)


def release_place(
    sessions: SessionTable, session_id: str, language: str, *, move_id: str
) -> Session | None:
    """Count one listener less; None when the session is gone or has ended.

    Never twice, though it be not at all: a count that is too low would let too many in, one that
    is too high is healed by reconcile.
    """
    outcome = sessions.attempt(
        session_id,
        f"{_MOVES}, listenerCount = listenerCount - :one, {_adds('#language', '-')}",
        condition=f"{_NOT_ENDED} AND listenerCount >= :one AND {_NOT_MOVED_YET}",
        names={"#language": language},
        values=_values(move_id),
        at_most_once=True,
    )
    return outcome.session if outcome.done else None


def change_language(
    sessions: SessionTable, session_id: str, *, old: str, new: str, move_id: str, at_ms: int
) -> Session:
    """Count a listener for another language, if the session is live.

    From a language to itself no count moves, but reconcile waits: a row is about to take another's
    place, and the index may show both.

    Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED; then nothing has changed.
    """
    moves, names, values = _MOVES, {}, {":one": 1, ":now": now_ms(), ":move": move_id}
    if old != new:
        moves += f", {_adds('#old', '-')}, {_adds('#new', '+')}"
        names, values = {"#old": old, "#new": new}, _values(move_id)
    outcome = sessions.attempt(
        session_id,
        moves,
        condition=f"{_NOT_ENDED} AND expiresAt > :now_seconds AND {_NOT_MOVED_YET}",
        names=names,
        values={**values, ":now_seconds": at_ms / 1000},
    )
    session = _found(outcome, session_id)
    if outcome.done or session.last_move_id == move_id:
        return session
    raise session_ended(session_id)


def take_language_back(
    sessions: SessionTable, session_id: str, *, old: str, new: str, move_id: str, at_ms: int
) -> None:
    """Undo `change_language`; a session that has ended meanwhile counts nobody."""
    if old == new:
        return
    with contextlib.suppress(ProtocolError):
        change_language(
            sessions, session_id, old=new, new=old, move_id=f"back {move_id}", at_ms=at_ms
        )


def correct(
    sessions: SessionTable, session: Session, listeners_by_language: Mapping[str, int]
) -> bool:
    """Write the counted truth, unless membership has moved since `session` was read."""
    return sessions.attempt(
        session.session_id,
        "SET listenerCount = :count, listenersByLanguage = :languages, "
        "membershipVersion = membershipVersion + :one, membershipChangedAt = :now",
        condition="membershipVersion = :read AND attribute_not_exists(endedAt)",
        values={
            ":count": sum(listeners_by_language.values()),
            ":languages": dict(listeners_by_language),
            ":one": 1,
            ":now": now_ms(),
            ":read": session.membership_version,
        },
    ).done


def _found(outcome: Attempt, session_id: str) -> Session:
    if outcome.session is None:
        raise session_not_found(session_id)
    return outcome.session


def _adds(language: str, sign: str) -> str:
    count = f"listenersByLanguage.{language}"
    return f"{count} = if_not_exists({count}, :zero) {sign} :one"


def _values(move_id: str) -> dict[str, Any]:
    return {":one": 1, ":zero": 0, ":now": now_ms(), ":move": move_id}
