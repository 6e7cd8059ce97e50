import base64
import getpass
import json
import socket
import threading
import warnings
import wave
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from client.recordings import in_real_time
from client.sockets import Client
from client.speaker_options import PASSWORD_VARIABLE, TOKEN_VARIABLE
from local.speak import main
from local.speak_options import options_of
from tests.local.protocol.people import eventually

SAMPLES = bytes(range(1, 251)) * 51 + bytes(50)  # 12,800 bytes: 0.4 s
SPOKEN_SECONDS = 0.5  # with the pause at the end
SESSION_ID = "golden-river-482"
HOST = "127.0.0.1"

Scripted = Callable[["Service", ServerConnection, dict[str, Any]], None]


class Service:
    """A service of one session, on a free port: it keeps what it is sent, and answers by rote."""

    def __init__(self, on_audio: Scripted | None = None, refuse: HTTPStatus | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self._on_audio = on_audio
        self._refuse = refuse
        self._listeners: list[ServerConnection] = []
        self._server: Server = serve(
            self._talk,
            HOST,
            0,
            process_request=self._shake_hands,
            select_subprotocol=lambda _, offered: offered[0] if offered else None,
        )
        self.url = f"ws://{HOST}:{self._server.socket.getsockname()[1]}/live"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def sent(self, action: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["action"] == action]

    def caption(self, text: str) -> None:
        for listener in self._listeners:
            send(
                listener,
                type="caption",
                sequence=0,
                sourceLanguage="en",
                targetLanguage="es",
                text=text,
                isPartial=False,
                translated=True,
            )

    def stop(self) -> None:
        self._server.shutdown()

    def _shake_hands(self, connection: ServerConnection, request: Request) -> Response | None:
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        self.tokens += [offered.partition("bearer.")[2]]
        return connection.respond(self._refuse, "") if self._refuse else None

    def _talk(self, connection: ServerConnection) -> None:
        for text in connection:
            message = json.loads(text)
            self.messages.append(message)
            request_id = message["requestId"]
            match message["action"]:
                case "sendAudio":
                    if self._on_audio:
                        self._on_audio(self, connection, message)
                case "createSession" if message["sourceLanguage"] == "tlh":
                    send(
                        connection,
                        type="error",
                        code="UNSUPPORTED_LANGUAGE",
                        message="no Klingon",
                        requestId=request_id,
                    )
                case action:
                    if action == "joinSession":
                        self._listeners.append(connection)
                    send(
                        connection,
                        type=f"{action}-reply",
                        requestId=request_id,
                        sessionId=SESSION_ID,
                    )


def send(connection: ServerConnection, **frame: Any) -> None:
    connection.send(json.dumps(frame))


@pytest.fixture
def service_of() -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def start(**options: Any) -> Service:
        services.append(Service(**options))
        return services[-1]

    yield start
    for service in services:
        service.stop()


class Clock:
    """Time that only sleeping moves, of the speaking and of the frames that arrive."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def once_after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do this in the first sleep that lasts beyond so many seconds."""
        self._due.append((seconds, act))

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        due = [each for each in self._due if each[0] < self.now + seconds]
        for each in due:
            self._due.remove(each)
            each[1]()
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("client.sockets", "local.speak"):
        monkeypatch.setattr(f"{module}.time", clock)
    paced = partial(in_real_time, clock=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr("local.speak.in_real_time", paced)
    return clock


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """Every client from its handshake on, the speaker first."""
    clients: list[Client] = []
    open_client = Client.__init__

    def open_and_note(client: Client, *arguments: Any, **options: Any) -> None:
        open_client(client, *arguments, **options)
        clients.append(client)

    monkeypatch.setattr(Client, "__init__", open_and_note)
    return clients


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.speak.PAUSE_AT_THE_END_SECONDS", 0.1)
    for variable in (TOKEN_VARIABLE, PASSWORD_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as said:
        said.setframerate(16_000)
        said.setnchannels(1)
        said.setsampwidth(2)
        said.writeframes(SAMPLES)
    return str(path)


def speak(recording: str, service: Service, *options: str) -> int:
    return main([recording, "--url", service.url, "--token", "a-token", *options])


def test_the_recording_is_sent_whole_and_in_order(
    recording: str, service_of: Callable[..., Service]
) -> None:
    service = service_of()
    assert speak(recording, service) == 0
    chunks = service.sent("sendAudio")
    assert [chunk["sequence"] for chunk in chunks] == [0, 1, 2, 3, 4]
    audio = b"".join(base64.b64decode(chunk["audioData"]) for chunk in chunks)
    assert audio == SAMPLES + bytes(3200)
    assert service.tokens == ["a-token"]


def test_a_session_of_its_own_is_made_and_ended(
    recording: str, service_of: Callable[..., Service]
) -> None:
    service = service_of()
    assert speak(recording, service, "--language", "fr", "--quality", "premium") == 0
    first, *_, last = service.messages
    assert (first["action"], first["sourceLanguage"], first["qualityTier"]) == (
        "createSession",
        "fr",
        "premium",
    )
    assert last["action"] == "endSession"


def test_a_session_that_is_named_is_taken_over_and_left_open(
    recording: str, service_of: Callable[..., Service]
) -> None:
    service = service_of()
    assert speak(recording, service, "--session", SESSION_ID) == 0
    assert service.messages[0]["action"] == "refreshConnection"
    assert service.messages[0]["sessionId"] == SESSION_ID
    assert not service.sent("createSession")
    assert not service.sent("endSession")


def test_the_chunks_have_the_length_that_is_asked_for(
    recording: str, service_of: Callable[..., Service]
) -> None:
    service = service_of()
    speak(recording, service, "--chunk-milliseconds", "250")
    sizes = [len(base64.b64decode(chunk["audioData"])) for chunk in service.sent("sendAudio")]
    assert sizes == [8000, 8000]


def test_captions_are_shown_also_those_that_come_after_the_last_word(
    recording: str,
    service_of: Callable[..., Service],
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    opened: list[Client],
) -> None:
    service = service_of()

    def caption(text: str) -> None:
        count = len(opened[1].received("caption"))
        service.caption(text)
        eventually(lambda: len(opened[1].received("caption")) > count, text)

    clock.once_after(SPOKEN_SECONDS + 3.9, lambda: caption("hola"))
    clock.once_after(SPOKEN_SECONDS + 7.8, lambda: caption("a todos"))
    assert speak(recording, service, "--listen", "es") == 0
    assert service.sent("joinSession")[0]["targetLanguage"] == "es"
    shown = capsys.readouterr().out
    for text in ("hola", "a todos"):
        assert f"reads-es ← caption          es 0: {text}" in shown


def test_captions_are_waited_for_no_longer_than_they_are_missed(
    recording: str, service_of: Callable[..., Service], clock: Clock
) -> None:
    assert speak(recording, service_of()) == 0
    assert clock.now == pytest.approx(SPOKEN_SECONDS + 4, abs=0.2)


def test_an_error_is_shown_once_and_counted(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        send(speaker, type="error", code="SERVICE_UNAVAILABLE", message="no slot is free")

    assert speak(recording, service_of(on_audio=refuse)) == 1
    shown = capsys.readouterr().out
    assert shown.count("no slot is free") == 1
    assert "received SERVICE_UNAVAILABLE 5 times" in shown


def test_an_answer_of_api_gateways_own_is_an_error_too(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    def time_out(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        send(speaker, message="Endpoint request timed out", connectionId="c", requestId="r")

    assert speak(recording, service_of(on_audio=time_out)) == 1
    shown = capsys.readouterr().out
    assert shown.count("message=Endpoint request timed out") == 1
    assert "received Endpoint request timed out 5 times" in shown


def test_other_frames_to_the_speaker_are_shown(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        if message["sequence"] == 0:
            send(speaker, type="rateLimitWarning", chunksPerSecond=50, closesAfterSeconds=25)

    assert speak(recording, service_of(on_audio=warn)) == 0
    assert "rateLimitWarning chunksPerSecond=50  closesAfterSeconds=25" in capsys.readouterr().out


def test_a_failed_transcription_is_reported_as_a_failure(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        if message["sequence"] == 0:
            send(speaker, type="transcriptionError", message="no stream", isPermanent=True)

    assert speak(recording, service_of(on_audio=fail)) == 1
    assert "message=no stream  isPermanent=True" in capsys.readouterr().out


def test_the_end_of_the_session_ends_the_speaking(
    recording: str,
    service_of: Callable[..., Service],
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    opened: list[Client],
) -> None:
    def wait_for_the_end() -> None:
        eventually(lambda: opened[0].received("sessionEnded"), "the end of the session")

    clock.once_after(0.2, wait_for_the_end)

    def end(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        send(speaker, type="sessionEnded", sessionId=SESSION_ID, reason="operator")

    service = service_of(on_audio=end)
    assert speak(recording, service, "--chunk-milliseconds", "200") == 1
    assert "the session ended after 1 of 3 chunks" in capsys.readouterr().err
    assert len(service.sent("sendAudio")) == 1


def test_a_socket_that_the_service_closes_is_reported(
    recording: str,
    service_of: Callable[..., Service],
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    opened: list[Client],
) -> None:
    clock.once_after(0.1, lambda: eventually(lambda: not opened[0].is_open, "the close"))

    def close(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        speaker.close(1000)

    assert speak(recording, service_of(on_audio=close)) == 1
    assert "closed the speaker's socket with code 1000" in capsys.readouterr().err


def test_a_socket_that_is_lost_is_reported(
    recording: str,
    service_of: Callable[..., Service],
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    opened: list[Client],
) -> None:
    clock.once_after(0.1, lambda: eventually(lambda: not opened[0].is_open, "the loss"))

    def cut(_: Service, speaker: ServerConnection, message: dict[str, Any]) -> None:
        speaker.socket.shutdown(socket.SHUT_RDWR)

    assert speak(recording, service_of(on_audio=cut)) == 1
    assert "the speaker's socket was lost" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "way_out"),
    [(HTTPStatus.FORBIDDEN, "sign in again"), (HTTPStatus.TOO_MANY_REQUESTS, "in a minute")],
)
def test_a_refused_handshake_is_reported_with_the_way_out(
    recording: str,
    service_of: Callable[..., Service],
    capsys: pytest.CaptureFixture[str],
    status: HTTPStatus,
    way_out: str,
) -> None:
    assert speak(recording, service_of(refuse=status)) == 1
    printed = capsys.readouterr().err
    assert f"HTTP {status.value}" in printed
    assert way_out in printed
    assert "a-token" not in printed


def test_an_address_that_does_not_answer_is_reported_without_the_token(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    service = service_of()
    service.stop()
    assert speak(recording, service) == 1
    printed = capsys.readouterr().err
    assert f"no socket could be opened at {service.url}" in printed
    assert "a-token" not in printed


def test_a_refused_session_is_reported(
    recording: str, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    assert speak(recording, service_of(), "--language", "tlh") == 1
    assert "createSession was refused: UNSUPPORTED_LANGUAGE: no Klingon" in capsys.readouterr().err


def test_a_bad_recording_is_reported_before_a_socket_is_opened(
    tmp_path: Path, service_of: Callable[..., Service], capsys: pytest.CaptureFixture[str]
) -> None:
    service = service_of()
    path = tmp_path / "said.mp3"
    path.write_bytes(b"ID3")
    assert speak(str(path), service) == 1
    assert "is not a WAV file" in capsys.readouterr().err
    assert service.tokens == []


def test_a_url_alone_is_not_enough(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([recording, "--url", "wss://example.com/live"]) == 1
    assert f"--token, or {TOKEN_VARIABLE}" in capsys.readouterr().err


def test_the_token_may_come_from_the_environment(
    recording: str, service_of: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of()
    monkeypatch.setenv(TOKEN_VARIABLE, "of-the-environment")
    assert main([recording, "--url", service.url]) == 0
    assert service.tokens == ["of-the-environment"]


def test_a_cloud_that_is_not_running_is_reported(
    recording: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([recording, "--cloud", ".local-none"]) == 1
    assert "no local cloud is running in .local-none" in capsys.readouterr().err


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Users and passwords of the sign-ins, each of which succeeds."""
    calls: list[tuple[str, str]] = []

    def sign_in(outputs: dict[str, Any], username: str, password: str) -> str:
        calls.append((username, password))
        return "of-cognito"

    monkeypatch.setattr("local.speak_options.sign_in", sign_in)
    return calls


def outputs_file(folder: Path, url: str) -> str:
    path = folder / "outputs.json"
    outputs = {"websocketUrl": url, "userPoolId": "eu-west-1_x", "userPoolClientId": "y"}
    path.write_text(json.dumps(outputs))
    return str(path)


def test_a_stack_is_spoken_into_by_its_outputs_and_a_user(
    recording: str,
    tmp_path: Path,
    service_of: Callable[..., Service],
    signed_in: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = service_of()
    monkeypatch.setenv(PASSWORD_VARIABLE, "a-password")
    outputs = outputs_file(tmp_path, service.url)
    assert main([recording, "--outputs", outputs, "--username", "sam"]) == 0
    assert signed_in == [("sam", "a-password")]
    assert service.tokens == ["of-cognito"]


def test_a_password_without_a_terminal_is_reported(
    recording: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_a_terminal(prompt: str) -> str:
        warnings.warn("no terminal", getpass.GetPassWarning, stacklevel=2)
        raise EOFError

    monkeypatch.setattr("getpass.getpass", without_a_terminal)
    outputs = outputs_file(tmp_path, "wss://example.com/live")
    assert main([recording, "--outputs", outputs, "--username", "sam"]) == 1
    assert f"without a terminal: set {PASSWORD_VARIABLE}" in capsys.readouterr().err


def test_outputs_without_a_user_are_not_enough(
    recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([recording, "--outputs", outputs_file(tmp_path, "wss://example.com/live")]) == 1
    assert "--outputs needs a speaker too: --username" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", "4"])
def test_invalid_outputs_are_reported(
    recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(content)
    assert main([recording, "--outputs", str(path), "--username", "sam"]) == 1
    printed = capsys.readouterr().err
    assert "has no websocketUrl, userPoolId, userPoolClientId" in printed
    assert "pulumi stack output --json" in printed


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--chunk-milliseconds", "19"], "whole milliseconds from 20 to 750"),
        (["--chunk-milliseconds", "751"], "whole milliseconds from 20 to 750"),
        (["--chunk-milliseconds", "a"], "whole milliseconds from 20 to 750"),
        (["--url", "https://example.com/live"], "it takes wss://host/stage"),
        (["--url", "wss://"], "it takes wss://host/stage"),
        (["--url", "wss://example.com/live?token=secret"], "without a query"),
        (["--url", "wss://example.com/live", "--cloud", ".local"], "not allowed with"),
        (["--quality", "best"], "invalid choice"),
    ],
)
def test_invalid_options_are_refused(
    capsys: pytest.CaptureFixture[str], options: list[str], fault: str
) -> None:
    with pytest.raises(SystemExit) as refusal:
        options_of(["said.wav", *options], "")
    assert refusal.value.code == 2
    printed = capsys.readouterr().err
    assert fault in printed
    assert "secret" not in printed


def test_several_languages_are_listened_to() -> None:
    options = options_of(["said.wav", "--listen", "es", "--listen", "fr"], "")
    assert options.listen == ["es", "fr"]
