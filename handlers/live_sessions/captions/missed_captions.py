"""getCaptions: the final captions that a listener missed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

import msgspec
from msgspec import UNSET

from live_sessions.aws.runtime import Clock
from live_sessions.captions.history import NO_SEQUENCE, CaptionRow, History
from live_sessions.listeners.membership import Membership
from live_sessions.sessions.rows import Session
from live_sessions.wire.frames import CaptionHistory, Frame, KeptCaption
from live_sessions.wire.messages import GetCaptions
from live_sessions.wire.requests import Request

FRAME_LIMIT_BYTES = 24_000
"""With the rest of the frame below the 32 KB that some clients read as one WebSocket frame."""


@dataclass(frozen=True, kw_only=True)
class MissedCaptions:
    """Answers getCaptions; the answer is empty where no captions are kept."""

    membership: Membership
    history: History
    clock: Clock

    def get_captions(self, request: Request[GetCaptions]) -> Frame:
        """The captions of the caller's language, by one query, or two if it is a translation.

        Raises ProtocolError with CONNECTION_NOT_FOUND, SESSION_NOT_FOUND or SESSION_ENDED.
        """
        member = self.membership.member(request.caller, request.at_ms)
        session = self.membership.live_session(cast(str, member.session_id), request.at_ms)
        language = cast(str, member.target_language)
        kept = self._kept(session, language, request.message) if self.history.is_shown else ()
        return self._reply(request, session, language, list(kept))

    def _kept(self, session: Session, language: str, message: GetCaptions) -> Iterator[KeptCaption]:
        """All captions after `since`, or at least the last `limit`; the oldest one first.

        What the caller's language lacks, since nobody read it then, is in the source language.
        """
        after, longest = message.since, None
        if after is UNSET:
            after, longest = NO_SEQUENCE, message.limit
        by_sequence: dict[int, CaptionRow] = {}
        for of_language in dict.fromkeys((session.source_language, language)):
            newest_first = self.history.newest_first(session, of_language, after=after)
            for row in islice(newest_first, longest):
                by_sequence[row.sequence] = row
        for sequence in sorted(by_sequence):
            yield _caption(by_sequence[sequence], session, language)

    def _reply(
        self,
        request: Request[GetCaptions],
        session: Session,
        language: str,
        kept: list[KeptCaption],
    ) -> Frame:
        message = request.message
        if message.since is UNSET:
            # The last ones: if there is no room for all, the older ones are left out.
            kept = kept[-message.limit :]
            room = _fitting(list(reversed(kept)))
            captions = kept[len(kept) - room :]
            is_complete = True
        else:
            captions = kept[: min(message.limit, _fitting(kept))]
            is_complete = len(captions) == len(kept)
        return CaptionHistory(
            timestamp=self.clock.now_ms(),
            request_id=request.request_id,
            session_id=session.session_id,
            target_language=language,
            captions=captions,
            is_complete=is_complete,
        )


def _caption(row: CaptionRow, session: Session, language: str) -> KeptCaption:
    """The caption for a listener of `language`, which may not be the row's language."""
    return KeptCaption(
        sequence=row.sequence,
        source_language=session.source_language,
        target_language=language,
        text=row.text,
        original_text=row.original,
        is_partial=False,
        spoken_at=row.spoken_at,
        translated=row.translated,
    )


def _fitting(captions: list[KeptCaption]) -> int:
    """How many of the captions fit into a frame; at least one, if there is one."""
    size = 0
    for count, caption in enumerate(captions):
        size += len(msgspec.json.encode(caption)) + 1
        if size > FRAME_LIMIT_BYTES and count > 0:
            return count
    return len(captions)
