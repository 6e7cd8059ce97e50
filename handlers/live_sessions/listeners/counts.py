"""A session's listener counts: each change is one conditional update of the session's row.

Changes add and subtract, so they may be applied in any order. A language's count may be below zero
while a leave and a change of language overlap. `move_id` makes a change idempotent.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from live_sessions.sessions.rows import ConditionalUpdate, Session, SessionTable
from live_sessions.wire.refusals import ProtocolError, session_ended, session_not_found

MOVES = (
    "SET membershipVersion = membershipVersion + :one, membershipChangedAt = :now, "
    "lastMoveId = :move"
)
NOT_MOVED_YET = "(attribute_not_exists(lastMoveId) OR lastMoveId <> :move)"
NOT_ENDED = "attribute_exists(sessionId) AND attribute_not_exists(endedAt)"
ONE_MORE = (
    "listenersByLanguage.#language = if_not_exists(listenersByLanguage.#language, :zero) + :one"
)


def release_place(
    sessions: SessionTable, session_id: str, language: str, *, move_id: str, now_ms: int
) -> Session | None:
    """Subtract one listener and return the session; None if it is missing or has ended.

    Done at most once: a count that is too low would admit too many listeners, while reconcile
    corrects one that is too high.
    """
    update = sessions.update_if(
        session_id,
        f"{MOVES}, listenerCount = listenerCount - :one, {_adds('#language', '-')}",
        condition=f"{NOT_ENDED} AND listenerCount >= :one AND {NOT_MOVED_YET}",
        names={"#language": language},
        values=_values(move_id, now_ms),
        at_most_once=True,
    )
    return update.session if update.done else None


def change_language(
    sessions: SessionTable,
    session_id: str,
    *,
    old: str,
    new: str,
    move_id: str,
    at_ms: int,
    now_ms: int,
) -> Session:
    """Count a listener in another language and return the session, if it is live.

    If `old` equals `new` no count changes, but reconcile waits: one row is about to replace
    another, and the index may show both.

    Raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED; then nothing has changed.
    """
    moves, names, values = MOVES, {}, {":one": 1, ":now": now_ms, ":move": move_id}
    if old != new:
        moves += f", {_adds('#old', '-')}, {_adds('#new', '+')}"
        names, values = {"#old": old, "#new": new}, _values(move_id, now_ms)
    update = sessions.update_if(
        session_id,
        moves,
        condition=f"{NOT_ENDED} AND expiresAt > :now_seconds AND {NOT_MOVED_YET}",
        names=names,
        values={**values, ":now_seconds": at_ms / 1000},
    )
    session = found(update, session_id)
    if update.done or session.last_move_id == move_id:
        return session
    raise session_ended(session_id)


def take_language_back(
    sessions: SessionTable,
    session_id: str,
    *,
    old: str,
    new: str,
    move_id: str,
    at_ms: int,
    now_ms: int,
) -> None:
    """Undo `change_language`, unless the session has ended meanwhile."""
    if old == new:
        return
    with contextlib.suppress(ProtocolError):
        change_language(
            sessions,
            session_id,
            old=new,
            new=old,
            move_id=f"back {move_id}",
            at_ms=at_ms,
            now_ms=now_ms,
        )


def correct(
    sessions: SessionTable,
    session: Session,
    listeners_by_language: Mapping[str, int],
    *,
    now_ms: int,
) -> bool:
    """Write counted listeners, unless the membership has changed since `session` was read."""
    return sessions.update_if(
        session.session_id,
        "SET listenerCount = :count, listenersByLanguage = :languages, "
        "membershipVersion = membershipVersion + :one, membershipChangedAt = :now",
        condition="membershipVersion = :read AND attribute_not_exists(endedAt)",
        values={
            ":count": sum(listeners_by_language.values()),
            ":languages": dict(listeners_by_language),
            ":one": 1,
            ":now": now_ms,
            ":read": session.membership_version,
        },
    ).done


def found(update: ConditionalUpdate, session_id: str) -> Session:
    """The session of an update; raises ProtocolError with SESSION_NOT_FOUND if there is none."""
    if update.session is None:
        raise session_not_found(session_id)
    return update.session


def _adds(language: str, sign: str) -> str:
    count = f"listenersByLanguage.{language}"
    return f"{count} = if_not_exists({count}, :zero) {sign} :one"


def _values(move_id: str, now_ms: int) -> dict[str, Any]:
    return {":one": 1, ":zero": 0, ":now": now_ms, ":move": move_id}
