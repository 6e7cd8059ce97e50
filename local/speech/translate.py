"""Amazon Translate's TranslateText in AWS's JSON 1.1 protocol, and an endpoint for tests.

`/_local/faults` orders faults (POST) and cancels them (DELETE); `/_local/served` returns the counts
of both stand-ins.
"""

import json
import logging
import socket
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

from local.speech.apertium import Translator
from local.speech.authorisation import Authorisation, Refused
from local.speech.faults import Faults

TARGET = "AWSShineFrontendService_20170701.TranslateText"
SERVICE, ACTION = "translate", "TranslateText"
# https://docs.aws.amazon.com/translate/latest/dg/what-is-limits.html
MAX_TEXT_BYTES = 10_000
MAX_REQUEST_BYTES = 1024 * 1024
REQUEST_TIMEOUT_SECONDS = 20.0
THREADS = 16
# Read from AWS's page, not from the program's own table.
# https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html
LANGUAGES = frozenset(
    """
    af am ar az bg bn bs ca cs cy da de el en es es-MX et fa fa-AF fi fr fr-CA ga gu ha he
    hi hr ht hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms mt nl no pa pl ps pt pt-PT
    ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zh-TW
""".split()
)
FIELDS = ("Text", "SourceLanguageCode", "TargetLanguageCode")

Json = dict[str, Any]

_logger = logging.getLogger("translate")


class TranslateError(Exception):
    """An error response: AWS's code and message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status


class TranslateServer(HTTPServer):
    """Serves on a listening socket, with a limited number of threads."""

    def __init__(
        self,
        listener: socket.socket,
        authorisation: Authorisation,
        faults: Faults,
        translator: Translator,
    ) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.authorisation = authorisation
        self.faults = faults
        self.translator = translator
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="translate")

    def process_request(self, request: Any, client_address: Any) -> None:
        self._threads.submit(self._serve, request, client_address)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # the client is gone
        except Exception:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Json:
        """Return TranslateText's response; raises TranslateError."""
        if method != "POST" or url != "/" or headers.get("x-amz-target") != TARGET:
            raise TranslateError("UnknownOperationException", "")
        try:
            self.authorisation.check(
                SERVICE, ACTION, method=method, url=url, headers=headers, body=body
            )
        except Refused as refused:
            raise TranslateError(refused.code, refused.message, refused.status) from None
        text, source, target = _request(body)
        fault = self.faults.next_translation(target)
        if fault:
            time.sleep(fault.delay_seconds)
            if fault.error:
                raise TranslateError(fault.error, "ordered by a test", fault.status)
        self.faults.translated(target)
        return {
            "TranslatedText": self.translator.translate(text, source, target),
            "SourceLanguageCode": source,
            "TargetLanguageCode": target,
        }

    def answer_test(self, method: str, url: str, body: bytes) -> Json:
        """Return the counts after an order or a cancellation; raises TranslateError."""
        if (method, url) == ("POST", "/_local/faults"):
            order = json.loads(body)
            self.faults.order(order.pop("kind"), order)
        elif (method, url) == ("DELETE", "/_local/faults"):
            self.faults.cancel()
        elif (method, url) != ("GET", "/_local/served"):
            raise TranslateError("UnknownOperationException", "", 404)
        return self.faults.served()


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: one request for each connection, so that an idle one does not occupy a thread."""

    timeout = REQUEST_TIMEOUT_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            self._reply(413, {"__type": "RequestEntityTooLargeException"})
            return
        body = self.rfile.read(int(length))
        server = cast(TranslateServer, self.server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            if self.path.startswith("/_local/"):
                answer = server.answer_test(self.command, self.path, body)
            else:
                answer = server.answer(self.command, self.path, headers, body)
        except TranslateError as error:
            self._reply(error.status, {"__type": error.code, "message": error.message})
        except Exception:
            # The server would take an OSError, such as the emulator's silence, for a lost client.
            _logger.exception("a request failed")
            self._reply(500, {"__type": "InternalServerException", "message": ""})
        else:
            self._reply(200, answer)

    do_GET = do_DELETE = do_PUT = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _reply(self, status: int, content: Json) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body)


def _request(body: bytes) -> tuple[str, str, str]:
    """Return text, source and target; raises TranslateError."""
    try:
        content = json.loads(body)
        text, source, target = (content[name] for name in FIELDS)
    except (ValueError, KeyError, TypeError):
        raise TranslateError("SerializationException", "") from None
    if not all(isinstance(value, str) for value in (text, source, target)):
        raise TranslateError("SerializationException", "")
    if not text:
        raise TranslateError(
            "ValidationException",
            "1 validation error detected: Value '' at 'text' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        )
    size = len(text.encode())
    if size > MAX_TEXT_BYTES:
        raise TranslateError(
            "TextSizeLimitExceededException",
            f"Input text size exceeds limit. Max length of request text allowed is "
            f"{MAX_TEXT_BYTES} bytes while in this request the text size is {size} bytes",
        )
    if source == target or not {source, target} <= LANGUAGES:
        raise TranslateError(
            "UnsupportedLanguagePairException",
            f"Unsupported language pair: {source} to {target}. Target language '{target}' "
            f"is not supported for source language '{source}'",
        )
    return text, source, target
