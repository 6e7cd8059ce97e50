"""The sockets and sessions that a run opens, and closes at its end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from websockets.exceptions import WebSocketException

from client.people import Listener, Participants, Speaker
from client.sign_in import Tokens
from client.sockets import Client, FrameMissing, HandshakeRefused

SOCKET_ERRORS = (FrameMissing, HandshakeRefused, WebSocketException, OSError)
OVER = ("SESSION_ENDED", "SESSION_NOT_FOUND", "CONNECTION_NOT_FOUND")


class RunClients:
    """Opens sockets on the deployment; `close` ends the tracked sessions and closes the sockets."""

    def __init__(self, outputs: Mapping[str, Any], tokens: Tokens) -> None:
        self.tokens = tokens
        self._participants = Participants(outputs)
        self._sessions: dict[str, Speaker] = {}
        self._lock = threading.Lock()

    def speaker(self, name: str = "speaker", *, token: str | None = None) -> Speaker:
        """Open a speaker's socket, by default with the run's own ID token. Raises SOCKET_ERRORS."""
        return self._participants.speaker(name, token=token or self.tokens.id_token)

    def listener(self, name: str = "listener") -> Listener:
        """Open a listener's socket. Raises SOCKET_ERRORS."""
        return self._participants.listener(name)

    def handshake(self, subprotocols: Sequence[str], query_tokens: Sequence[str] = ()) -> Client:
        """Open a socket with exactly these subprotocols and tokens. Raises SOCKET_ERRORS."""
        return self._participants.handshake(subprotocols, query_tokens)

    def track(self, session_id: str, speaker: Speaker) -> None:
        """Remember the session, and the speaker who can end it."""
        with self._lock:
            self._sessions[session_id] = speaker

    def untrack(self, session_id: str) -> None:
        """Drop a session that has ended."""
        with self._lock:
            self._sessions.pop(session_id, None)

    def close(self, say: Callable[[str], None]) -> None:
        """End all tracked sessions and close all sockets; `say` reports what failed."""
        with self._lock:
            sessions = dict(self._sessions)
            self._sessions.clear()
        for session_id, speaker in sessions.items():
            try:
                self._end(session_id, speaker)
            except SOCKET_ERRORS as error:
                say(
                    f"session {session_id} could not be ended ({type(error).__name__}): it ends "
                    "automatically after speakerGraceSeconds without its speaker"
                )
        self._participants.close()

    def _end(self, session_id: str, speaker: Speaker) -> None:
        """Raises SOCKET_ERRORS."""
        if not speaker.is_open:
            speaker = self.speaker("cleaner")
            speaker.refresh(session_id)
        answer = speaker.ask("endSession")
        if answer.type != "sessionEnded" and answer.get("code") not in OVER:
            raise FrameMissing(f"endSession was answered with {dict(answer.body)}")
