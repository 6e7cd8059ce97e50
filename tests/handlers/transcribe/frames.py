"""Event-stream frames made by hand, right or wrong in any part."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

STRING = 7


def header(name: str | bytes, kind: int, value: bytes) -> bytes:
    name = name.encode() if isinstance(name, str) else name
    return bytes([len(name)]) + name + bytes([kind]) + value


def text_header(name: str, value: str) -> bytes:
    return header(name, STRING, struct.pack("!H", len(value.encode())) + value.encode())


def frame(
    headers: Iterable[bytes] = (),
    payload: bytes = b"",
    *,
    size: int | None = None,
    headers_size: int | None = None,
    prelude_crc: int | None = None,
    message_crc: int | None = None,
) -> bytes:
    block = b"".join(headers)
    lengths = struct.pack(
        "!II",
        16 + len(block) + len(payload) if size is None else size,
        len(block) if headers_size is None else headers_size,
    )
    crc = zlib.crc32(lengths) if prelude_crc is None else prelude_crc
    body = lengths + struct.pack("!I", crc) + block + payload
    return body + struct.pack("!I", zlib.crc32(body) if message_crc is None else message_crc)


def event(payload: bytes, name: str = "TranscriptEvent") -> bytes:
    return frame(
        [
            text_header(":content-type", "application/json"),
            text_header(":event-type", name),
            text_header(":message-type", "event"),
        ],
        payload,
    )


def exception(name: str, text: str = "") -> bytes:
    return frame(
        [
            text_header(":exception-type", name),
            text_header(":content-type", "application/json"),
            text_header(":message-type", "exception"),
        ],
        json.dumps({"Message": text}).encode(),
    )


def result(
    text: str, *, result_id: str = "r1", partial: bool = False, **changed: Any
) -> dict[str, Any]:
    """As AWS's documentation shows one, with its items."""
    item = {
        "Content": text,
        "Type": "pronunciation",
        "StartTime": 0.5,
        "EndTime": 1.25,
        "VocabularyFilterMatch": False,
        "Stable": True,
    }
    return {
        "ResultId": result_id,
        "StartTime": 0.5,
        "EndTime": 1.25,
        "IsPartial": partial,
        "Alternatives": [{"Transcript": text, "Items": [item]}],
        "ChannelId": "ch_0",
        **changed,
    }


def transcript(*results: dict[str, Any]) -> bytes:
    return event(json.dumps({"Transcript": {"Results": results}}).encode())
