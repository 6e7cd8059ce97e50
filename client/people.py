"""Speakers and listeners as clients of the wire protocol, for the demo, `speak`, verify and tests.

with Participants(outputs) as people:
    speaker = people.speaker()
    session_id = speaker.create_session("en")
    listener = people.listener()
    listener.join(session_id, "es")
    print(listener.expect("sessionJoined")["targetLanguage"])
"""

import base64
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from client.recordings import SAMPLE_RATE_HZ, chunks_of, in_real_time
from client.sign_in import sign_in
from client.sockets import Client, Frame, FrameHook, FrameMissing
from contract.handshake import BEARER_PREFIX, SUBPROTOCOL, TOKEN_PARAMETER

PARALLEL_OPENS = 16
CHUNK_MILLISECONDS = 100


class Speaker(Client):
    """A socket opened with a token."""

    def create_session(self, source_language: str = "en", **fields: Any) -> str:
        """Create a session and return its id; raises FrameMissing if it is refused."""
        reply = self.ask("createSession", sourceLanguage=source_language, **fields)
        if reply.type != "sessionCreated":
            raise FrameMissing(f"{self.name} has no session; the reply was {dict(reply.body)}")
        return reply["sessionId"]

    def end_session(self) -> str:
        """Send endSession; return the requestId."""
        return self.send("endSession")

    def send_audio(self, chunk: bytes, sequence: int) -> str:
        """Send s16le mono samples at 16 kHz; return the requestId. Only an error is answered."""
        return self.send("sendAudio", audioData=base64.b64encode(chunk).decode(), sequence=sequence)

    def speak(
        self,
        samples: bytes,
        *,
        first_sequence: int = 0,
        chunk_milliseconds: int = CHUNK_MILLISECONDS,
        sample_rate_hertz: int = SAMPLE_RATE_HZ,
    ) -> int:
        """Send the samples in real time; return the next sequence.

        Raises websockets' ConnectionClosed if the socket closes.
        """
        chunks = chunks_of(samples, chunk_milliseconds, sample_rate_hertz)
        in_time = in_real_time(chunks, sample_rate_hertz)
        for sequence, chunk in enumerate(in_time, first_sequence):
            self.send_audio(chunk, sequence)
        return first_sequence + len(chunks)

    def ask_status(self) -> Frame:
        """Return the `sessionStatus`, or the error frame."""
        return self.ask("getSessionStatus")

    def pause(self) -> Frame:
        """Pause the broadcast; return the reply or the error frame."""
        return self.ask("pauseBroadcast")

    def resume(self) -> Frame:
        """Resume the broadcast; return the reply or the error frame."""
        return self.ask("resumeBroadcast")

    def set_volume(self, level: float) -> Frame:
        """Set the volume, from 0 to 1."""
        return self.ask("setVolume", volumeLevel=level)

    def refresh(self, session_id: str) -> Frame:
        """Move the session from the speaker's old socket to this one; `stateRestored` follows."""
        return self.ask("refreshConnection", sessionId=session_id)


class Listener(Client):
    """A socket without a token."""

    def join(self, session_id: str, target_language: str, **fields: Any) -> str:
        """Send joinSession, with such fields as a `passcode`; return the requestId."""
        return self.send(
            "joinSession", sessionId=session_id, targetLanguage=target_language, **fields
        )

    def leave(self) -> str:
        """Send leaveSession; return the requestId."""
        return self.send("leaveSession")

    def captions(self, *, with_partials: bool = False) -> list[Frame]:
        """Return the captions received so far, in order: the final ones, or all."""
        return [
            frame for frame in self.received("caption") if with_partials or not frame["isPartial"]
        ]

    def missed_captions(self, since: int | None = None, *, limit: int = 20) -> list[Frame]:
        """Ask for captions until the history is complete; return the replies, the last an error
        frame if one is refused.

        Without `since` one reply has the last ones.
        """
        replies: list[Frame] = []
        while True:
            asked = {} if since is None else {"since": since}
            replies.append(self.ask("getCaptions", limit=limit, **asked))
            if replies[-1].type == "error" or replies[-1]["isComplete"]:
                return replies
            since = replies[-1]["captions"][-1]["sequence"]

    def change_language(self, target_language: str) -> Frame:
        """Ask for captions in another language; return the reply or the error frame."""
        return self.ask("changeLanguage", targetLanguage=target_language)

    def refresh(self, session_id: str, old_connection_id: str, target_language: str) -> Frame:
        """Replace the listener's old socket with this one."""
        return self.ask(
            "refreshConnection",
            sessionId=session_id,
            connectionId=old_connection_id,
            targetLanguage=target_language,
        )


AnyClient = TypeVar("AnyClient", bound=Client)


class Participants:
    """Opens speakers and listeners on a deployed stack, and closes those still open at the end.

    `outputs` are the stack's outputs, such as the content of a local cloud's outputs.json. Tokens
    are sent as subprotocols; without these, in the URL, as releases up to 0.1.0 need it.
    """

    def __init__(
        self,
        outputs: Mapping[str, Any],
        on_frame: FrameHook | None = None,
        *,
        with_subprotocols: bool = True,
    ) -> None:
        self._outputs = outputs
        self._on_frame = on_frame
        self._with_subprotocols = with_subprotocols
        self._open: list[Client] = []
        self._numbers = itertools.count(1)

    def speaker(
        self,
        name: str | None = None,
        *,
        token: str | None = None,
        age_minutes: float = 0,
    ) -> Speaker:
        """Open a speaker's socket; without `token`, sign in as the local cloud's own speaker.

        `age_minutes` makes the local cloud treat the socket as opened that long ago. Raises what
        `Client` raises.
        """
        token = sign_in(self._outputs) if token is None else token
        if self._with_subprotocols:
            subprotocols, query = (SUBPROTOCOL, f"{BEARER_PREFIX}{token}"), ()
        else:
            subprotocols, query = (), ((TOKEN_PARAMETER, token),)
        return self._add(Speaker, name or "speaker", subprotocols, query, age_minutes)

    def listener(self, name: str | None = None, *, age_minutes: float = 0) -> Listener:
        """Open a listener's socket; see `speaker` for `age_minutes`."""
        name = name or f"listener-{next(self._numbers)}"
        subprotocols = (SUBPROTOCOL,) if self._with_subprotocols else ()
        return self._add(Listener, name, subprotocols, (), age_minutes)

    def handshake(self, subprotocols: Sequence[str], query_tokens: Sequence[str] = ()) -> Client:
        """Open a socket with exactly these subprotocols and tokens; raises what `Client` raises."""
        query = [(TOKEN_PARAMETER, token) for token in query_tokens]
        return self._add(Client, "candidate", subprotocols, query, 0)

    def listeners(self, count: int) -> list[Listener]:
        """Open many listeners' sockets in parallel."""
        with ThreadPoolExecutor(PARALLEL_OPENS) as pool:
            return list(pool.map(lambda _: self.listener(), range(count)))

    def close(self) -> None:
        """Close every socket that is still open."""
        still_open = [client for client in self._open if client.is_open]
        self._open.clear()
        with ThreadPoolExecutor(PARALLEL_OPENS) as pool:
            list(pool.map(lambda client: client.close(), still_open))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(
        self,
        kind: type[AnyClient],
        name: str,
        subprotocols: Sequence[str],
        query: Sequence[tuple[str, str]],
        age_minutes: float,
    ) -> AnyClient:
        aged = [("connectionAgeMinutes", f"{age_minutes:g}")] if age_minutes else []
        parameters = urlencode([*query, *aged])
        url = f"{self._outputs['websocketUrl']}?{parameters}".removesuffix("?")
        client = kind(url, subprotocols=subprotocols, name=name, on_frame=self._on_frame)
        self._open.append(client)
        return client
