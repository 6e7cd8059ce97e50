"""The reply fields that `make verify` expects are those of the code's frames."""

import msgspec

from live_sessions.wire import frames
from live_sessions.wire.frames import Frame
from operations.verify.promises import FIELDS, PROMISES

COMMON = {field.encode_name for field in msgspec.structs.fields(Frame)}
BY_TYPE = {
    str(frame.__struct_config__.tag): frame
    for frame in vars(frames).values()
    if isinstance(frame, type) and issubclass(frame, Frame) and frame.__struct_config__.tag
}


def test_every_reply_is_expected_with_its_required_fields() -> None:
    for action, promise in PROMISES.items():
        if promise.reply in BY_TYPE:
            assert set(promise.fields) == required_fields(BY_TYPE[promise.reply]), action


def test_fields_are_expected_of_replies_alone() -> None:
    assert FIELDS.keys() <= {promise.reply for promise in PROMISES.values()}


def required_fields(frame: type[Frame]) -> set[str]:
    return {each.encode_name for each in msgspec.structs.fields(frame) if each.required} - COMMON
