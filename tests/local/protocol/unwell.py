"""A function that meets an unwell DynamoDB: a small server stands between the two."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from local.cloud import LocalCloud
from local.services import CLIENT_TIMEOUT_VARIABLE
from tests.local.releases import serving

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_DYNAMODB"
ERRORS = {
    HTTPStatus.BAD_REQUEST: "com.amazonaws.dynamodb.v20120810#AccessDeniedException",
    HTTPStatus.SERVICE_UNAVAILABLE: "com.amazonaws.dynamodb.v20120810#ServiceUnavailable",
}


@dataclass(frozen=True)
class Call:
    """One call to DynamoDB: `UpdateItem`, and the table's name."""

    operation: str
    table: str


class DynamoDbFront:
    """Hands calls on to the local cloud's DynamoDB, but for those that fail.

    These are answered with `status`, or, where it is None, not at all until the front is left.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        *,
        fails: Callable[[Call], bool] = lambda _: True,
        status: HTTPStatus | None = HTTPStatus.BAD_REQUEST,
    ) -> None:
        self.cloud = cloud
        self.fails = fails
        self.status = status
        self.failed = 0
        self.left = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.left.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                operation = self.headers["x-amz-target"].partition(".")[2]
                call = Call(operation, json.loads(body).get("TableName", ""))
                if not front.fails(call):
                    self.reply(*front.hand_on(dict(self.headers), body))
                    return
                front.failed += 1
                if front.status is None:
                    front.left.wait()
                    self.close_connection = True
                    return
                self.reply(front.status, json.dumps({"__type": ERRORS[front.status]}).encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    def hand_on(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """The headers go on as they are, with the host that was signed."""
        emulator = http.client.HTTPConnection(urlsplit(self.cloud.account.url).netloc)
        try:
            emulator.request("POST", "/", body, headers)
            response = emulator.getresponse()
            return response.status, response.read()
        finally:
            emulator.close()


@contextmanager
def behind(front: DynamoDbFront, entry: str) -> Iterator[None]:
    """Have the function reach DynamoDB through the front, with the time limits of production."""
    changed = {ENDPOINT_VARIABLE: front.url, CLIENT_TIMEOUT_VARIABLE: "1"}
    with variables_of(front.cloud, entry, changed):
        yield


@contextmanager
def variables_of(cloud: LocalCloud, entry: str, changed: Mapping[str, str]) -> Iterator[None]:
    """Give the function other environment variables in this context."""
    functions, name = cloud.client("lambda"), cloud.outputs["functionNames"][entry]
    present = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    with serving(functions, name, Environment={"Variables": {**present, **changed}}):
        yield
