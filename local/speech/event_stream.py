"""Messages in AWS's event stream encoding, as Transcribe uses them.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html
"""

import json
import struct
from binascii import crc32
from collections.abc import Mapping
from typing import Any

from botocore.eventstream import EventStreamBuffer, ParserError

STRING = 7
PRELUDE_AND_CHECKSUMS_BYTES = 16


class BadFrame(Exception):
    """The frame does not contain exactly one message."""


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a message with string headers."""
    packed = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    total_bytes = PRELUDE_AND_CHECKSUMS_BYTES + len(packed) + len(payload)
    prelude = struct.pack("!II", total_bytes, len(packed))
    content = prelude + struct.pack("!I", crc32(prelude)) + packed + payload
    return content + struct.pack("!I", crc32(content))


def event(kind: str, content: Mapping[str, Any]) -> bytes:
    """Return an event, such as TranscriptEvent, with JSON content."""
    return _json({":message-type": "event", ":event-type": kind}, content)


def exception(kind: str, message: str) -> bytes:
    """Return an exception, such as BadRequestException."""
    return _json({":message-type": "exception", ":exception-type": kind}, {"Message": message})


def decode(message: str | bytes) -> tuple[dict[str, Any], bytes]:
    """Return the headers and payload of the frame's message; raises BadFrame."""
    if isinstance(message, str):
        raise BadFrame("a text frame")
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    try:
        decoded: list[Any] = list(buffer)
    except (ParserError, KeyError, ValueError, struct.error) as error:
        raise BadFrame(str(error)) from error
    if len(decoded) != 1 or decoded[0].prelude.total_length != len(message):
        raise BadFrame(f"{len(decoded)} messages in a frame of {len(message)} bytes")
    return decoded[0].headers, decoded[0].payload


def _json(headers: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    typed = {":content-type": "application/json", **headers}
    return encode(typed, json.dumps(content).encode())
