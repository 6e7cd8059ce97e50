"""The replies that `make verify` expects are those of the code."""

import msgspec

from live_sessions.protocol import ACTIONS, Frame
from live_sessions.protocol.frames import BroadcastFrame, SessionEnded
from operations.verify.promises import PROMISES, Promise

COMMON = {field.encode_name for field in msgspec.structs.fields(Frame)}


def test_every_action_is_expected_to_be_answered_as_the_code_does() -> None:
    expected = {name: (set(p.roles), p.reply, set(p.fields)) for name, p in PROMISES.items()}
    assert expected == {
        name: (
            {role.value for role in action.messages},
            str(action.reply.__struct_config__.tag) if action.reply else "",
            required_fields(action.reply),
        )
        for name, action in ACTIONS.items()
    }


def test_every_frame_to_listeners_is_expected() -> None:
    sent = {
        name
        for name, action in ACTIONS.items()
        if action.to_listeners and issubclass(action.to_listeners, BroadcastFrame | SessionEnded)
    }
    assert {name for name, promise in PROMISES.items() if promise.to_listeners} == sent
    assert all(isinstance(promise, Promise) for promise in PROMISES.values())


def required_fields(frame: type[Frame] | None) -> set[str]:
    fields = msgspec.structs.fields(frame) if frame else ()
    return {field.encode_name for field in fields if field.required} - COMMON
