"""Sizes and kinds of frames, and how long a socket may live."""

import base64
import json
import os
import socket as sockets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from local.emulator.process import Emulator
from tests.local.emulator.sockets import PATIENCE_SECONDS, Route, SocketApi, deploy_socket_api

KIB = 1024


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closing:
        socket.recv(PATIENCE_SECONDS)
    assert closing.value.rcvd, "the socket went without a close frame"
    return closing.value.rcvd.code


def message_of(size: int) -> str:
    empty = json.dumps({"filler": ""})
    return json.dumps({"filler": "x" * (size - len(empty))})


def in_frames_of(size: int, text: str) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_frame_of_32_kib_is_taken(api: SocketApi, compression: str | None) -> None:
    with api.connect(compression=compression) as socket:
        socket.send(message_of(32 * KIB))
        assert json.loads(socket.recv(PATIENCE_SECONDS))["length"] == 32 * KIB


def test_a_frame_over_32_kib_closes_with_1009(api: SocketApi) -> None:
    with api.connect(compression=None) as socket:
        socket.send(message_of(32 * KIB + 1))
        assert close_code(socket) == 1009


def test_a_frame_is_measured_in_bytes(api: SocketApi) -> None:
    with api.connect(compression=None) as socket:
        socket.send("é" * 17_000)
        assert close_code(socket) == 1009


def test_a_compressed_frame_is_measured_as_it_is_sent(api: SocketApi) -> None:
    with api.connect() as socket:
        for size in (64 * KIB, 128 * KIB):
            socket.send(message_of(size))
            assert json.loads(socket.recv(PATIENCE_SECONDS))["length"] == size


def test_a_compressed_frame_over_32_kib_closes_with_1009(api: SocketApi) -> None:
    hardly_compressible = base64.b64encode(os.urandom(36 * KIB)).decode()
    with api.connect() as socket:
        socket.send(hardly_compressible)
        assert close_code(socket) == 1009
        assert socket.close_reason == "Message too big"


def test_an_uncompressed_frame_over_32_kib_closes_with_1009_on_a_compressed_socket(
    api: SocketApi,
) -> None:
    with api.connect() as socket:
        length = (32 * KIB + 1).to_bytes(2)
        with suppress(ConnectionError):  # the header is enough
            socket.socket.sendall(b"\x81\xfe" + length + b"\x00" * 4 + b"x" * (32 * KIB + 1))
        assert close_code(socket) == 1009


@pytest.mark.parametrize("size", [128 * KIB + 1, 20 * KIB * KIB])
def test_a_compressed_message_over_128_kib_closes_with_1009(api: SocketApi, size: int) -> None:
    with api.connect() as socket:
        socket.send(message_of(size))
        assert close_code(socket) == 1009


def test_compressed_messages_are_measured_one_by_one(api: SocketApi) -> None:
    with api.connect() as socket:
        for _ in range(3):
            socket.send(in_frames_of(60 * KIB, message_of(100 * KIB)))
            assert json.loads(socket.recv(PATIENCE_SECONDS))["length"] == 100 * KIB


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the server's memory from /proc")
def test_a_message_is_not_unpacked_beyond_the_limit(api: SocketApi) -> None:
    """A frame of 29 KB has 30 MB."""
    before = peak_memory_kib(api)
    for _ in range(3):
        with api.connect() as socket:
            socket.send("\0" * 30_000_000)
            assert close_code(socket) == 1009
    assert peak_memory_kib(api) - before < 16 * KIB


def peak_memory_kib(api: SocketApi) -> int:
    status = Path(f"/proc/{api.emulator.process_id}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


def test_a_message_of_128_kib_in_several_frames_is_taken(api: SocketApi) -> None:
    with api.connect() as socket:
        for _ in range(2):
            socket.send(in_frames_of(16 * KIB, message_of(128 * KIB)))
            assert json.loads(socket.recv(PATIENCE_SECONDS))["length"] == 128 * KIB


@pytest.mark.parametrize("size", [128 * KIB + 1, 1024 * KIB])
def test_a_message_over_128_kib_closes_with_1009(api: SocketApi, size: int) -> None:
    with api.connect(compression=None) as socket:
        with suppress(ConnectionClosed):  # while it is still sending
            socket.send(in_frames_of(16 * KIB, message_of(size)))
        assert close_code(socket) == 1009


def test_a_binary_frame_closes_with_1003(api: SocketApi) -> None:
    with api.connect() as socket:
        socket.send(b"{}")
        assert close_code(socket) == 1003


def test_text_that_is_not_utf_8_closes_with_1007(api: SocketApi) -> None:
    with api.connect() as socket:
        masked_text_frame = b"\x81\x81\x00\x00\x00\x00\xff"
        socket.socket.sendall(masked_text_frame)
        assert close_code(socket) == 1007


@pytest.mark.parametrize(
    "frame",
    [b"\x83\x80\x00\x00\x00\x00", b"\x81\x01x", b"\x80\x80\x00\x00\x00\x00"],
    ids=["of a reserved kind", "not masked", "the rest of nothing"],
)
def test_a_frame_that_breaks_the_protocol_closes_with_1002(api: SocketApi, frame: bytes) -> None:
    with api.connect() as socket:
        socket.socket.sendall(frame)
        assert close_code(socket) == 1002


@pytest.mark.parametrize("limit", ["EMULATOR_IDLE_SECONDS", "EMULATOR_LIFETIME_SECONDS"])
def test_a_socket_past_its_idle_limit_or_lifetime_closes_with_1001(
    short_lived: dict[str, SocketApi], limit: str
) -> None:
    api = short_lived[limit]
    name = api.new_name()
    with api.connect(f"?note={name}") as socket:
        assert close_code(socket) == 1001
        assert socket.close_reason == "Going away"
    connection_id = api.noted(name)["requestContext"]["connectionId"]
    context = api.event("DISCONNECT", connection_id)["requestContext"]
    assert context["disconnectStatusCode"] == 1001


def test_a_connection_that_was_lost_ends_with_its_idle_limit(
    short_lived: dict[str, SocketApi],
) -> None:
    api = short_lived["EMULATOR_IDLE_SECONDS"]
    name = api.new_name()
    with api.connect(f"?note={name}") as socket:
        socket.socket.shutdown(sockets.SHUT_RDWR)
    connection_id = api.noted(name)["requestContext"]["connectionId"]
    context = api.event("DISCONNECT", connection_id)["requestContext"]
    assert context["disconnectStatusCode"] == 1001, "the loss itself is not noticed"


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SocketApi]]:
    """An API on an emulator whose one limit, the dict's key, is short."""

    def start(limit: str) -> SocketApi:
        folder = tmp_path_factory.mktemp("short-lived")
        started = Emulator(folder / "state", environment={limit: "0.3"})
        stack.enter_context(started)
        routes = {"$connect": Route(answers=False), "$disconnect": Route(answers=False)}
        return deploy_socket_api(started, folder / "notes", routes)

    limits = ["EMULATOR_IDLE_SECONDS", "EMULATOR_LIFETIME_SECONDS"]
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        yield dict(zip(limits, pool.map(start, limits), strict=True))
