"""The encoding, beside botocore's own decoder and frames made by hand."""

from __future__ import annotations

import itertools
import struct
import uuid
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.audio.transcribe import (
    MAX_HEADERS_BYTES,
    MAX_MESSAGE_BYTES,
    MalformedMessage,
    decode,
    encode,
)
from tests.handlers.transcribe.frames import STRING, frame, header, text_header

AUDIO_EVENT = {
    ":message-type": "event",
    ":event-type": "AudioEvent",
    ":content-type": "application/octet-stream",
}
GOOD = frame([text_header(":message-type", "event"), text_header("x", "ü")], b"payload")

SEEN = (
    b"\x00\x00\x00\xa3\x00\x00\x00ah\x10k\xe1\x0f:exception-type\x07\x00\x13BadRequestException"
    b"\r:content-type\x07\x00\x10application/json\r:message-type\x07\x00\texception"
    b'{"Message":"Unexpected WebSocket frame received."}\xbd\xceK\x8a'
)
"""A message that Transcribe sent
(https://github.com/awsdocs/amazon-transcribe-developer-guide/issues/14).
"""


def text_of(least_bytes: int, most_bytes: int) -> st.SearchStrategy[str]:
    return st.text(max_size=most_bytes).filter(
        lambda text: least_bytes <= len(text.encode()) <= most_bytes
    )


@given(
    headers=st.dictionaries(text_of(1, 255), text_of(1, 2000), max_size=8),
    payload=st.binary(max_size=2000),
)
def test_what_is_encoded_botocore_decodes_header_by_header(
    headers: dict[str, str], payload: bytes
) -> None:
    encoded = encode(headers, payload)
    buffer = EventStreamBuffer()
    buffer.add_data(encoded)
    message: Any = next(iter(buffer))
    assert list(message.headers.items()) == list(headers.items())
    assert message.payload == payload
    assert message.prelude.total_length == len(encoded), "nothing may be left over"
    assert decode(encoded) == (headers, payload)


def test_an_audio_event_is_encoded_byte_for_byte() -> None:
    audio = bytes(range(200)) * 16
    assert encode(AUDIO_EVENT, audio) == frame(
        [text_header(name, value) for name, value in AUDIO_EVENT.items()], audio
    )


def test_an_empty_payload_is_a_message_like_any_other() -> None:
    assert decode(encode(AUDIO_EVENT, b"")) == (AUDIO_EVENT, b"")


def test_a_frame_that_transcribe_sent_is_decoded() -> None:
    message = decode(SEEN)
    assert message.headers == {
        ":exception-type": "BadRequestException",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    assert message.payload == b'{"Message":"Unexpected WebSocket frame received."}'


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (0, b"", True),
        (1, b"", False),
        (2, b"\xff", -1),
        (3, b"\x01\x00", 256),
        (4, struct.pack("!i", -5), -5),
        (5, struct.pack("!q", 2**40), 2**40),
        (6, b"\x00\x03abc", b"abc"),
        (STRING, b"\x00\x02\xc3\xbc", "ü"),
        (8, struct.pack("!q", 1_700_000_000_000), 1_700_000_000_000),
        (9, uuid.UUID(int=7).bytes, uuid.UUID(int=7).bytes),
    ],
)
def test_a_header_of_every_type_is_read_wherever_it_stands(
    kind: int, value: bytes, expected: object
) -> None:
    odd = header("odd", kind, value)
    for headers in ([odd, text_header("a", "b")], [text_header("a", "b"), odd]):
        assert decode(frame(headers, b"p")) == ({"odd": expected, "a": "b"}, b"p")


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("n" * 255, "v", True),
        ("n" * 256, "v", False),
        ("ü" * 127, "v", True),
        ("ü" * 128, "v", False),
        ("", "v", False),
        ("n", "v" * 32_767, True),
        ("n", "v" * 32_768, False),
        ("n", "", False),
    ],
    ids=itertools.count(),
)
def test_headers_keep_to_the_encoding_s_limits(name: str, value: str, fits: bool) -> None:
    if fits:
        assert decode(encode({name: value}, b"")).headers == {name: value}
    else:
        with pytest.raises(ValueError, match="bytes"):
            encode({name: value}, b"")


def test_all_headers_together_keep_to_the_encoding_s_limit() -> None:
    three = {f"h{number}": "v" * 32_767 for number in range(3)}
    rest = MAX_HEADERS_BYTES - 3 * (1 + 2 + 1 + 2 + 32_767) - (1 + 2 + 1 + 2)
    full = {**three, "h3": "v" * rest}
    assert decode(encode(full, b"")).headers == full
    with pytest.raises(ValueError, match="too many"):
        encode({**three, "h3": "v" * (rest + 1)}, b"")
    headers = [text_header(f"h{number}", "v" * 32_767) for number in range(4)]
    with pytest.raises(MalformedMessage, match="headers in"):
        decode(frame(headers))


def test_a_message_keeps_to_its_limit() -> None:
    most = b"p" * (MAX_MESSAGE_BYTES - 16)
    assert decode(encode({}, most)).payload == decode(frame([], most)).payload == most
    with pytest.raises(ValueError, match="too many"):
        encode({}, most + b"p")
    with pytest.raises(MalformedMessage, match=f"^{MAX_MESSAGE_BYTES + 1} bytes$"):
        decode(frame([], most + b"p"))


@pytest.mark.parametrize("whole", [GOOD, SEEN], ids=["good", "seen"])
def test_a_message_cut_short_anywhere_is_none(whole: bytes) -> None:
    decode(whole)
    for length in range(len(whole)):
        with pytest.raises(MalformedMessage):
            decode(whole[:length])


def test_a_message_with_any_bit_turned_is_none() -> None:
    for position in range(len(GOOD)):
        for bit in range(8):
            turned = bytearray(GOOD)
            turned[position] ^= 1 << bit
            with pytest.raises(MalformedMessage):
                decode(bytes(turned))


@given(st.binary(max_size=200))
def test_rubbish_is_malformed_and_nothing_else(rubbish: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(rubbish)


@given(st.binary(max_size=60))
def test_headers_of_rubbish_under_right_checksums_are_read_or_malformed(block: bytes) -> None:
    """Each header that is read takes the bytes that it says it takes."""
    try:
        message = decode(frame([block], b"payload"))
    except MalformedMessage:
        return
    assert message.payload == b"payload"
    assert all(name for name in message.headers)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("text", "text instead of bytes"),
        (b"", "^0 bytes$"),
        (GOOD + b"\x00", "instead of"),
        (GOOD + GOOD, "instead of"),
        (frame([], b"p", prelude_crc=1), "ChecksumMismatch"),
        (frame([], b"p", message_crc=1), "ChecksumMismatch"),
        (frame([], b"p", size=0), "17 bytes instead of 0"),
        (frame([], b"p", size=2**32 - 1), "17 bytes instead of 4294967295"),
        (frame([], b"p", headers_size=2), "2 bytes of headers in 17"),
        (frame([], b"p", headers_size=2**32 - 1), "4294967295 bytes of headers in 17"),
        (frame([header("x", 10, b"")]), "unknown type 10"),
        (frame([header("x", 255, b"")]), "unknown type 255"),
        (frame([text_header("x", "1"), text_header("x", "2")]), "DuplicateHeader"),
        (frame([header("", STRING, b"\x00\x01a")]), "without a name"),
        (frame([header(b"\xff", STRING, b"\x00\x01a")]), "UnicodeDecodeError"),
        (frame([header("x", STRING, b"\x00\x01\xff")]), "UnicodeDecodeError"),
        (frame([header("x", STRING, b"\x00\x05abc")], b"payload"), "longer than the headers"),
        (frame([header("x", 6, b"\xff\xffabc")], b"payload"), "longer than the headers"),
        (frame([header("x", STRING, b"\x00")], b"payload"), "longer than the headers"),
        (frame([header("x", STRING, b"")], b"payload"), "longer than the headers"),
        (frame([header("x", 9, b"15 bytes, not 16")[:-1]], b"p"), "longer than the headers"),
        (frame([header("x", 4, b"abc")], b"payload"), "longer than the headers"),
        (frame([b"\x05abc"], b"payload"), "longer than the headers"),
        (frame([b"\x03abc"], b"payload"), "longer than the headers"),
        (frame([text_header("x", "y")], b"p", headers_size=4), "longer than the headers"),
    ],
    ids=itertools.count(),
)
def test_what_is_not_one_whole_message_is_malformed(bad: str | bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode(bad)
