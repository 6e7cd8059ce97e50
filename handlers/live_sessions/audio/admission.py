"""A chunk arrives: whose it is, whether anybody is to hear it, and into which queue it goes."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import cast

from live_sessions.answers.gateway import Request
from live_sessions.audio.chunk_queues import ChunkQueues
from live_sessions.audio.chunks import Chunk, decoded
from live_sessions.audio.claims import Claims
from live_sessions.protocol import SendAudio
from live_sessions.protocol.refusals import connection_not_found
from live_sessions.sessions import Session, require_live
from live_sessions.tables.connection_table import ConnectionTable
from live_sessions.tables.session_table import SessionTable

REMEMBERED_SPEAKERS = 1000


@dataclass(frozen=True)
class Admission:
    """`_session_ids` spares a read per chunk: the session's own row says whose it is."""

    sessions: SessionTable
    connections: ConnectionTable
    claims: Claims
    queues: ChunkQueues
    _session_ids: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])

    def send_audio(self, request: Request) -> None:
        """Queue the chunk of a session's speaker; dropped while the broadcast is silent.

        Raises ProtocolError with INVALID_AUDIO, AUDIO_TOO_LARGE, CONNECTION_NOT_FOUND,
        SESSION_NOT_FOUND, SESSION_ENDED or SERVICE_UNAVAILABLE.
        """
        message = cast(SendAudio, request.message)
        audio = decoded(message.audio_data)
        connection_id = request.caller.connection_id
        session = self._session_of(connection_id, request.at_ms)
        stream_epoch = session.audio_epoch(request.at_ms)
        if stream_epoch is None:
            return
        slot = self.claims.slot_of(session, at_ms=request.at_ms)
        chunk = Chunk(
            session_id=session.session_id,
            stream_epoch=stream_epoch,
            connection_id=connection_id,
            sequence=message.sequence,
            arrived_at=request.at_ms,
            audio=audio,
        )
        self.queues.send(slot, chunk)

    def _session_of(self, connection_id: str, at_ms: int) -> Session:
        remembered = self._session_ids.get(connection_id)
        if remembered is not None:
            session = self.sessions.get(remembered)
            if session is not None and session.is_of(connection_id) and session.is_live(at_ms):
                return session
            self._session_ids.pop(connection_id, None)
        session_id = self.connections.session_of(connection_id, at_ms=at_ms)
        if session_id is None:
            raise connection_not_found()
        session = require_live(self.sessions.get(session_id), session_id, at_ms)
        if not session.is_of(connection_id):
            raise connection_not_found()
        self._session_ids[connection_id] = session_id
        if len(self._session_ids) > REMEMBERED_SPEAKERS:
            self._session_ids.popitem(last=False)
        return session
