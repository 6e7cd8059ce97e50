"""Amazon's event stream encoding, one message at a time, as it goes over a WebSocket.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
from binascii import crc32
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.eventstream import EventStreamBuffer, ParserError

MAX_MESSAGE_BYTES = 1024 * 1024
"""The encoding's own limit is 24 MiB; a sentence's transcript takes some tens of kilobytes."""

MAX_HEADERS_BYTES = 128 * 1024
MAX_NAME_BYTES = 255
MAX_VALUE_BYTES = 2**15 - 1

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_OVERHEAD_BYTES = _PRELUDE.size + _CRC.size

_STRING = 7
_LENGTH_PREFIXED = frozenset({6, _STRING})
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""By a header's type: how many bytes its value takes."""


class MalformedMessage(Exception):
    """Not one whole message of the encoding; its text holds nothing of the content."""


class Message(NamedTuple):
    headers: Mapping[str, Any]
    payload: bytes


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Raises ValueError for what the encoding cannot hold."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    size = _OVERHEAD_BYTES + len(block) + len(payload)
    if len(block) > MAX_HEADERS_BYTES or size > MAX_MESSAGE_BYTES:
        raise ValueError(f"{len(block)} bytes of headers, {size} in all, are too many")
    lengths = struct.pack("!II", size, len(block))
    unchecked = lengths + _CRC.pack(crc32(lengths)) + block + payload
    return unchecked + _CRC.pack(crc32(unchecked))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    if not 1 <= len(name_bytes) <= MAX_NAME_BYTES or not 1 <= len(value_bytes) <= MAX_VALUE_BYTES:
        raise ValueError(f"a header's name of {len(name_bytes)}, value of {len(value_bytes)} bytes")
    return struct.pack(
        f"!B{len(name_bytes)}sBH{len(value_bytes)}s",
        len(name_bytes),
        name_bytes,
        _STRING,
        len(value_bytes),
        value_bytes,
    )


def decode(frame: str | bytes) -> Message:
    """The one message that a WebSocket message is. Raises MalformedMessage."""
    if isinstance(frame, str):
        raise MalformedMessage("text instead of bytes")
    if not _OVERHEAD_BYTES <= len(frame) <= MAX_MESSAGE_BYTES:
        raise MalformedMessage(f"{len(frame)} bytes")
    size, headers_size, _ = _PRELUDE.unpack_from(frame)
    if size != len(frame):
        raise MalformedMessage(f"{len(frame)} bytes instead of {size}")
    if headers_size > min(size - _OVERHEAD_BYTES, MAX_HEADERS_BYTES):
        raise MalformedMessage(f"{headers_size} bytes of headers in {size}")
    _check_headers(frame[_PRELUDE.size : _PRELUDE.size + headers_size])
    buffer = EventStreamBuffer()
    buffer.add_data(frame)
    try:
        message: Any = buffer.next()
    except (ParserError, UnicodeDecodeError) as problem:
        raise MalformedMessage(type(problem).__name__) from None
    return Message(message.headers, message.payload)


def _check_headers(block: bytes) -> None:
    """That each header ends where the next one begins: botocore takes what there is."""
    position = 0
    try:
        while position < len(block):
            if not block[position]:
                raise MalformedMessage("a header without a name")
            position += 1 + block[position]
            kind = block[position]
            position += 1
            if kind in _LENGTH_PREFIXED:
                position += 2 + int.from_bytes(block[position : position + 2], "big")
            elif kind in _FIXED_BYTES:
                position += _FIXED_BYTES[kind]
            else:
                raise MalformedMessage(f"a header of the unknown type {kind}")
    except IndexError:
        position = len(block) + 1
    if position != len(block):
        raise MalformedMessage("a header longer than the headers")
