"""The stand-in's messages, beside botocore's decoder and our functions' own code."""

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.audio import transcribe as of_the_functions
from local.speech.event_stream import BadFrame, decode, encode, event, exception

NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=40)
HEADERS = st.dictionaries(NAMES, st.text(max_size=60), max_size=6)


@given(HEADERS, st.binary(max_size=4_000))
def test_botocore_reads_what_it_writes(headers: dict[str, str], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode(headers, payload))
    [message] = list(buffer)
    assert (message.headers, message.payload) == (headers, payload)
    assert decode(encode(headers, payload)) == (headers, payload)


def test_it_and_our_functions_understand_each_other() -> None:
    headers = {":message-type": "event", ":event-type": "AudioEvent"}
    assert decode(of_the_functions.encode(headers, b"\1\0")) == (headers, b"\1\0")
    for message in (event("TranscriptEvent", {"a": "ü"}), exception("BadRequestException", "x")):
        theirs = of_the_functions.decode(message)
        assert (dict(theirs.headers), theirs.payload) == decode(message)


def test_whatever_is_not_exactly_one_message_is_refused() -> None:
    message = encode({"a": "b"}, b"payload")
    for bad in (
        "text",
        b"",
        *(message[:end] for end in range(len(message))),
        message + b"\0",
        message + message,
        *(
            message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
            for at in range(len(message))
        ),
    ):
        with pytest.raises(BadFrame):
            decode(bad)
