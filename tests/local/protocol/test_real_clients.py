"""Clients as people use them connect in each way: Python's websockets, Node's and Chromium."""

import json
import shutil
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from client.sign_in import tokens_of
from contract.handshake import SUBPROTOCOL
from local.cloud import LocalCloud
from tests.patience import PATIENCE_SECONDS

JAVASCRIPT = Path(__file__).with_name("real_clients.js")
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Way(NamedTuple):
    """A way to connect, `{}` standing for the token, and what must come of it."""

    subprotocols: Sequence[str]
    query: str
    opened: bool
    protocol: str | None = None
    reply: str | None = None


SPEAKS, LISTENS = "sessionCreated", "UNAUTHORIZED_ACTION"
WAYS = {
    "token as subprotocol": Way((SUBPROTOCOL, "bearer.{}"), "", True, SUBPROTOCOL, SPEAKS),
    "token first": Way(("bearer.{}", SUBPROTOCOL), "", True, SUBPROTOCOL, SPEAKS),
    "token in the URL": Way((), "?token={}", True, "", SPEAKS),
    "both parts": Way((SUBPROTOCOL,), "?token={}", True, SUBPROTOCOL, SPEAKS),
    "listener": Way((), "", True, "", LISTENS),
    "listener who offers": Way((SUBPROTOCOL,), "", True, SUBPROTOCOL, LISTENS),
    "listener who offers more": Way(("chat", SUBPROTOCOL), "", True, SUBPROTOCOL, LISTENS),
    "bearer alone": Way(("bearer.{}",), "", False),
    "another subprotocol": Way(("chat",), "", False),
    "token in both places": Way((SUBPROTOCOL, "bearer.{}"), "?token={}", False),
    "token twice in the URL": Way((), "?token={}&token={}", False),
    "bad token": Way((SUBPROTOCOL, "bearer.not-a-token"), "", False),
}


def ways_of(cloud: LocalCloud, token: str) -> list[dict[str, Any]]:
    return [
        {
            "url": cloud.outputs["websocketUrl"] + way.query.replace("{}", token),
            "subprotocols": [each.replace("{}", token) for each in way.subprotocols],
        }
        for way in WAYS.values()
    ]


EXPECTED = {
    name: {"opened": way.opened, "protocol": way.protocol, "reply": way.reply}
    for name, way in WAYS.items()
}


@pytest.fixture
def tokens(cloud: LocalCloud) -> dict[str, str]:
    outputs = cloud.outputs
    both = tokens_of(outputs, outputs["speakerUsername"], outputs["speakerPassword"])
    return {"id": both.id_token, "access": both.access_token}


def outcome_of_websockets(url: str, subprotocols: list[str]) -> dict[str, Any]:
    try:
        socket = connect(
            url,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            open_timeout=PATIENCE_SECONDS,
        )
    except InvalidHandshake:
        return {"opened": False, "protocol": None, "reply": None}
    with socket:
        socket.send(json.dumps({"action": "createSession", "sourceLanguage": "en"}))
        frame = json.loads(socket.recv(PATIENCE_SECONDS))
        reply = frame.get("code") or frame["type"]
        return {"opened": True, "protocol": socket.subprotocol or "", "reply": reply}


@pytest.mark.parametrize("kind", ["id", "access"])
def test_pythons_websockets(cloud: LocalCloud, tokens: dict[str, str], kind: str) -> None:
    outcomes = [outcome_of_websockets(**way) for way in ways_of(cloud, tokens[kind])]
    assert dict(zip(WAYS, outcomes, strict=True)) == EXPECTED


def outcomes_in_node(library: str, ways: list[dict[str, Any]]) -> list[Any]:
    """Skips the test without Node or the library; Node 22 and later has a WebSocket built in."""
    if NODE is None:
        pytest.skip("Node.js is not installed")
    major = int(run(NODE, "-p", "process.versions.node").partition(".")[0])
    if library == "built in" and major < 20:
        pytest.skip(f"Node.js {major} has no WebSocket of its own")
    if library == "ws" and not run(
        NODE, "-e", "try { console.log(require.resolve('ws')) } catch {}"
    ):
        pytest.skip("Node.js does not find ws: install it where NODE_PATH leads")
    flags = ["--experimental-websocket"] if library == "built in" and major < 22 else []
    return json.loads(run(NODE, *flags, str(JAVASCRIPT), library, json.dumps(ways)))


def run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("library", ["built in", "ws"])
def test_nodes_clients(cloud: LocalCloud, tokens: dict[str, str], library: str) -> None:
    outcomes = outcomes_in_node(library, ways_of(cloud, tokens["id"]))
    assert dict(zip(WAYS, outcomes, strict=True)) == EXPECTED


def test_chromium(cloud: LocalCloud, tokens: dict[str, str], tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    ways = json.dumps(ways_of(cloud, tokens["id"]))
    script = (
        f"{JAVASCRIPT.read_text()}\noutcomesOf(WebSocket, {ways}).then((outcomes) =>"
        " fetch('/', { method: 'POST', body: JSON.stringify(outcomes) }));"
    )
    posted: Queue[list[Any]] = Queue()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><script>{script}</script>".encode())

        def do_POST(self) -> None:
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        browser = subprocess.Popen(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *(f"--user-data-dir={tmp_path}", f"http://127.0.0.1:{server.server_port}/"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            outcomes = posted.get(timeout=PATIENCE_SECONDS)
        finally:
            browser.terminate()
            browser.wait(PATIENCE_SECONDS)
            server.shutdown()
    assert dict(zip(WAYS, outcomes, strict=True)) == EXPECTED


def test_no_log_shows_a_token(cloud: LocalCloud, tokens: dict[str, str]) -> None:
    token = tokens["id"]
    header, claims, signature = token.split(".")
    forged = f"{header}.{claims}.{signature[::-1]}"
    for sent in (token, forged, tokens["access"], "bm90LWEtdG9rZW4.bm90.bm90aGluZw"):
        for way in ways_of(cloud, sent):
            outcome_of_websockets(**way)
    lines = logged(cloud)
    assert any('"refused"' in line for line in lines)
    secrets = {part for each in tokens.values() for part in each.split(".")[1:]}
    secrets |= {signature[::-1], "bm90LWEtdG9rZW4"}
    shown = [secret[:8] for secret in secrets for line in lines if secret in line]
    assert shown == []


def logged(cloud: LocalCloud) -> list[str]:
    """Every line of every log: those of the functions, and the files of the local cloud."""
    lines = [
        event["message"]
        for group in cloud.outputs["logGroupNames"].values()
        for page in cloud.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group)
        for event in page["events"]
    ]
    files = [path for path in cloud.folder.rglob("*.log") if path.is_file()]
    assert files
    return lines + [
        line for path in files for line in path.read_text(errors="replace").splitlines()
    ]
