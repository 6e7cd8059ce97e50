"""A client of the wire protocol: what live sessions are held with by the demo, `speak` and tests.

with Participants(outputs) as people:
    speaker = people.speaker()
    session_id = speaker.create_session("en")
    listener = people.listener()
    listener.join(session_id, "es")
    print(listener.expect("sessionJoined")["targetLanguage"])
"""

import base64
import itertools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from client.recordings import chunks_of, in_real_time
from client.sign_in import sign_in
from client.sockets import Client, Frame, FrameHook, FrameMissing

PARALLEL_OPENS = 16
CHUNK_MILLISECONDS = 100


class Speaker(Client):
    """A socket opened with a Cognito ID token."""

    def create_session(self, source_language: str = "en", **fields: Any) -> str:
        """Create a session and return its id; raises FrameMissing on any other reply."""
        reply = self.ask("createSession", sourceLanguage=source_language, **fields)
        if reply.type != "sessionCreated":
            raise FrameMissing(f"{self.name} has no session, but was answered {dict(reply.body)}")
        return reply["sessionId"]

    def end_session(self) -> str:
        """Ask for the session's end; return the requestId."""
        return self.send("endSession")

    def send_audio(self, chunk: bytes, sequence: int) -> str:
        """Send s16le mono samples at 16 kHz; return the requestId, which only a refusal repeats."""
        return self.send("sendAudio", audioData=base64.b64encode(chunk).decode(), sequence=sequence)

    def speak(
        self,
        samples: bytes,
        *,
        first_sequence: int = 0,
        chunk_milliseconds: int = CHUNK_MILLISECONDS,
    ) -> int:
        """Send the samples at the pace at which they are spoken; return the next sequence.

        Raises websockets' ConnectionClosed when the socket closes meanwhile.
        """
        chunks = chunks_of(samples, chunk_milliseconds)
        for sequence, chunk in enumerate(in_real_time(chunks), first_sequence):
            self.send_audio(chunk, sequence)
        return first_sequence + len(chunks)

    def ask_status(self) -> Frame:
        return self.ask("getSessionStatus")

    def pause(self) -> Frame:
        return self.ask("pauseBroadcast")

    def resume(self) -> Frame:
        return self.ask("resumeBroadcast")

    def set_volume(self, level: float) -> Frame:
        """Set the volume, from 0 to 1."""
        return self.ask("setVolume", volumeLevel=level)

    def refresh(self, session_id: str) -> Frame:
        """Take the session over from the speaker's old socket; `stateRestored` follows."""
        return self.ask("refreshConnection", sessionId=session_id)


class Listener(Client):
    """An anonymous socket."""

    def join(self, session_id: str, target_language: str) -> str:
        """Ask to join; return the requestId."""
        return self.send("joinSession", sessionId=session_id, targetLanguage=target_language)

    def leave(self) -> str:
        """Ask to leave; return the requestId."""
        return self.send("leaveSession")

    def captions(self, *, with_partials: bool = False) -> list[Frame]:
        """Return the captions so far, as they came: the final ones, or all."""
        return [
            frame for frame in self.received("caption") if with_partials or not frame["isPartial"]
        ]

    def change_language(self, target_language: str) -> Frame:
        return self.ask("changeLanguage", targetLanguage=target_language)

    def refresh(self, session_id: str, old_connection_id: str, target_language: str) -> Frame:
        """Take the place of the listener's old socket."""
        return self.ask(
            "refreshConnection",
            sessionId=session_id,
            connectionId=old_connection_id,
            targetLanguage=target_language,
        )


AnyClient = TypeVar("AnyClient", bound=Client)


class Participants:
    """Opens speakers and listeners on a deployed stack, and closes those that are left.

    `outputs` is the content of outputs.json; nothing else is needed to take part.
    """

    def __init__(self, outputs: Mapping[str, Any], on_frame: FrameHook | None = None) -> None:
        self._outputs = outputs
        self._on_frame = on_frame
        self._open: list[Client] = []
        self._numbers = itertools.count(1)

    def speaker(
        self, name: str | None = None, *, token: str | None = None, age_minutes: float = 0
    ) -> Speaker:
        """Open a speaker's socket, with an ID token of the local speaker unless one is given.

        With an age the local cloud takes it for one that was opened that long ago.
        """
        query = {"token": sign_in(self._outputs) if token is None else token}
        return self._add(Speaker, name or "speaker", query, age_minutes)

    def listener(self, name: str | None = None, *, age_minutes: float = 0) -> Listener:
        """Open a listener's socket; for its age see `speaker`."""
        return self._add(Listener, name or f"listener-{next(self._numbers)}", {}, age_minutes)

    def listeners(self, count: int) -> list[Listener]:
        """Open many sockets side by side."""
        with ThreadPoolExecutor(PARALLEL_OPENS) as pool:
            return list(pool.map(lambda _: self.listener(), range(count)))

    def close(self) -> None:
        still_open = [client for client in self._open if client.is_open]
        self._open.clear()
        with ThreadPoolExecutor(PARALLEL_OPENS) as pool:
            list(pool.map(lambda client: client.close(), still_open))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(
        self, kind: type[AnyClient], name: str, query: Mapping[str, str], age_minutes: float
    ) -> AnyClient:
        aged = {"connectionAgeMinutes": f"{age_minutes:g}"} if age_minutes else {}
        parameters = urlencode({**query, **aged})
        url = f"{self._outputs['websocketUrl']}?{parameters}".removesuffix("?")
        client = kind(url, name=name, on_frame=self._on_frame)
        self._open.append(client)
        return client
