"""A client of the wire protocol: what the demo and the tests hold live sessions with.

with Participants(outputs) as people:
    speaker = people.speaker()
    session_id = speaker.create_session("en")
    listener = people.listener()
    listener.join(session_id, "es")
    print(listener.expect("sessionJoined")["targetLanguage"])
"""

import base64
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from botocore import UNSIGNED
from botocore.config import Config
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from local.aws_session import aws_session
from local.recordings import chunks_of, in_real_time

REPLY_TIMEOUT_SECONDS = 10.0
OPEN_TIMEOUT_SECONDS = 20.0
CLOSE_TIMEOUT_SECONDS = 5.0
PARALLEL_OPENS = 16
CHUNK_MILLISECONDS = 100

FrameHook = Callable[["Client", "Frame"], None]


class HandshakeRefused(Exception):
    """The WebSocket handshake was answered with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was refused with HTTP {status}")
        self.status = status


class FrameMissing(AssertionError):
    """A frame that was waited for did not come; the message lists those that did."""


@dataclass(frozen=True)
class Frame:
    """One message from the server; `received_at` is of the monotonic clock, in seconds."""

    body: Mapping[str, Any]
    received_at: float

    @property
    def type(self) -> str:
        """The frame's type, or "" for an answer of API Gateway's own, which has none."""
        return str(self.body.get("type", ""))

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.body.get(name, default)


class Client:
    """One open socket. Frames are collected as they arrive; `expect` hands out each one once."""

    def __init__(
        self, url: str, *, name: str = "client", on_frame: FrameHook | None = None
    ) -> None:
        """Open the socket; raises HandshakeRefused."""
        self.name = name
        self.close_code: int | None = None
        self._on_frame = on_frame
        self._frames: list[Frame] = []
        self._taken: set[int] = set()
        self._news = threading.Condition()
        self._closed = False
        self._request_numbers = itertools.count(1)
        try:
            self._connection: ClientConnection = connect(
                url,
                # The local cloud is on loopback; a deployed one may be behind the host's proxy.
                proxy=True if url.startswith("wss:") else None,
                compression=None,
                open_timeout=OPEN_TIMEOUT_SECONDS,
                close_timeout=CLOSE_TIMEOUT_SECONDS,
                ping_interval=None,
                max_queue=None,
                legacy=True,
            )
        except InvalidStatus as refusal:
            raise HandshakeRefused(refusal.response.status_code) from None
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    def send(self, action: str, **fields: Any) -> str:
        """Send one action with a fresh requestId, and return that."""
        request_id = f"{self.name}-{next(self._request_numbers)}"
        self.send_text(json.dumps({"action": action, "requestId": request_id, **fields}))
        return request_id

    def send_text(self, text: str | Iterable[str]) -> None:
        """Send text as it is; several strings go out as the frames of one message."""
        self._connection.send(text)

    def send_bytes(self, data: bytes) -> None:
        """Send one binary frame."""
        self._connection.send(data)

    def ask(
        self, action: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Send one action and return its reply, or its error frame."""
        return self.answer_to(self.send(action, **fields), timeout_seconds)

    def answer_to(self, request_id: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> Frame:
        """Return the reply, or the error frame, to what was sent before."""
        return self._take(
            lambda frame: frame.get("requestId") == request_id,
            f"the reply to {request_id}",
            timeout_seconds,
        )

    def expect(
        self, frame_type: str, timeout_seconds: float = REPLY_TIMEOUT_SECONDS, **fields: Any
    ) -> Frame:
        """Return the oldest frame of this type, with these fields, that was not yet handed out.

        Raises FrameMissing when none comes in time, or none can come any more.
        """
        return self._take(
            lambda frame: (
                frame.type == frame_type
                and all(frame.get(name) == value for name, value in fields.items())
            ),
            f"{frame_type} {fields or ''}".rstrip(),
            timeout_seconds,
        )

    def expect_no(self, frame_type: str, for_seconds: float) -> None:
        """Wait out the time; raises AssertionError as soon as such a frame arrives."""
        try:
            frame = self.expect(frame_type, timeout_seconds=for_seconds)
        except FrameMissing:
            return
        raise AssertionError(f"{self.name} received {dict(frame.body)}, which nobody awaited")

    def expect_close(self, timeout_seconds: float = REPLY_TIMEOUT_SECONDS) -> int | None:
        """Wait until the server has closed the socket; return its close code, None without one."""
        with self._news:
            if not self._news.wait_for(lambda: self._closed, timeout_seconds):
                raise FrameMissing(f"{self.name}'s socket is still open after {timeout_seconds} s")
        return self.close_code

    def received(self, frame_type: str | None = None) -> list[Frame]:
        """Return all frames so far, of one type or of any, handed out or not."""
        with self._news:
            return [frame for frame in self._frames if frame_type in (None, frame.type)]

    @property
    def is_open(self) -> bool:
        return not self._closed

    def close(self) -> None:
        """Close the socket as a well-behaved client does."""
        self._connection.close()
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def drop(self) -> None:
        """Cut the connection without a close frame, as a lost network does."""
        self._connection.socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(CLOSE_TIMEOUT_SECONDS)

    def _take(
        self, wanted: Callable[[Frame], bool], description: str, timeout_seconds: float
    ) -> Frame:
        deadline = time.monotonic() + timeout_seconds
        seen = 0
        with self._news:
            while True:
                for index in range(seen, len(self._frames)):
                    if index not in self._taken and wanted(self._frames[index]):
                        self._taken.add(index)
                        return self._frames[index]
                seen = len(self._frames)
                remaining = deadline - time.monotonic()
                if self._closed or remaining <= 0:
                    break
                self._news.wait(remaining)
            state = f"closed with {self.close_code}" if self._closed else "open"
            raise FrameMissing(
                f"{self.name} did not receive {description} within {timeout_seconds:g} s; "
                f"its socket is {state}; it received {[dict(f.body) for f in self._frames]}"
            )

    def _read(self) -> None:
        try:
            while True:
                self._keep(self._connection.recv())
        except ConnectionClosed as closed:
            with self._news:
                self.close_code = closed.rcvd.code if closed.rcvd else None
                self._closed = True
                self._news.notify_all()

    def _keep(self, message: str | bytes) -> None:
        frame = Frame(json.loads(message), time.monotonic())
        with self._news:
            self._frames.append(frame)
            self._news.notify_all()
        if self._on_frame:
            self._on_frame(self, frame)


class Speaker(Client):
    """A socket opened with a Cognito ID token."""

    def create_session(self, source_language: str = "en", **fields: Any) -> str:
        """Create a session and return its id; raises FrameMissing on any other reply."""
        request_id = self.send("createSession", sourceLanguage=source_language, **fields)
        return self.expect("sessionCreated", requestId=request_id)["sessionId"]

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


def sign_in(
    outputs: Mapping[str, Any], username: str | None = None, password: str | None = None
) -> str:
    """Return a Cognito ID token; without a name, the local speaker's.

    `outputs` are a local cloud's, or those of a stack on AWS.
    """
    region = outputs["userPoolId"].partition("_")[0]
    answer = _cognito(region, outputs.get("emulatorUrl")).initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=outputs["userPoolClientId"],
        AuthParameters={
            "USERNAME": username or outputs["speakerUsername"],
            "PASSWORD": password or outputs["speakerPassword"],
        },
    )
    return answer["AuthenticationResult"]["IdToken"]


@cache
def _cognito(region: str, emulator_url: str | None) -> Any:
    return aws_session(region=region).client(
        "cognito-idp",
        endpoint_url=emulator_url,
        config=Config(
            signature_version=UNSIGNED,
            proxies={} if emulator_url else None,
            read_timeout=REPLY_TIMEOUT_SECONDS,
        ),
    )
