"""A conversation with the service in which each reply is compared with the protocol."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from client.sockets import REPLY_TIMEOUT_SECONDS, Client, Frame
from operations.verify.context import Context
from operations.verify.promises import PROMISES
from operations.verify.run_clients import SOCKET_ERRORS
from operations.verify.verdicts import Verdict, right, wrong

COMMON_FIELDS = ("timestamp", "requestId")
ERROR_FIELDS = ("timestamp", "code", "message")


class Conversation:
    """Records wrong replies as verdicts, and counts the correct ones by role."""

    def __init__(self, context: Context) -> None:
        self.wrong: list[Verdict] = []
        self._scene = context
        self._answered: Counter[str] = Counter()

    def verdicts(self) -> list[Verdict]:
        """One verdict per wrong reply, and one per role with the number of correct ones."""
        return [
            *self.wrong,
            *(
                right(f"{role}", f"{count} messages answered as documented in docs/protocol.md")
                for role, count in self._answered.items()
            ),
        ]

    def is_removed(self, action: str) -> bool:
        """Whether every message of the action is refused."""
        return action in self._scene.removed_actions

    def ask(self, client: Client, action: str, **fields: Any) -> Frame | None:
        """Send an allowed action; return the expected reply, or None if it did not arrive.

        A removed action must be refused as INVALID_ACTION.
        """
        if self.is_removed(action):
            self.expect_refusal(client, action, "INVALID_ACTION", **fields)
            return None
        promise = PROMISES[action]
        frame = self._answer(client, action, action, fields)
        if frame is None:
            return None
        fault = _fault(frame, promise.reply, (*COMMON_FIELDS, *promise.fields))
        self._note(client, action, fault)
        return None if fault else frame

    def expect_refusal(self, client: Client, action: str, code: str, **fields: Any) -> None:
        """Send an action that must be refused with this error code."""
        what = f"{action} ({code})"
        if frame := self._answer(client, what, action, fields):
            fault = _fault(frame, "error", ERROR_FIELDS)
            if not fault and frame["code"] != code:
                fault = f"was refused with {frame['code']} instead of {code}: {frame['message']}"
            self._note(client, what, fault)

    def expect_push(self, client: Client, frame_type: str, after: str, **fields: Any) -> None:
        """Wait for a frame that is pushed after an action."""
        try:
            client.expect(frame_type, **fields)
        except SOCKET_ERRORS:
            self._note(client, after, f"the {client.name} did not receive {frame_type}")
        else:
            self._note(client, after, "")

    def expect_no_reply(
        self, client: Client, action: str, *, for_seconds: float, **fields: Any
    ) -> None:
        """Send an action that has no reply; any answer within the time is wrong."""
        before = len(client.received(""))
        request_id = client.send(action, **fields)
        try:
            frame = client.answer_to(request_id, for_seconds)
        except SOCKET_ERRORS:
            fault = _gateways_answer(client, before)
            if not client.is_open:
                fault = f"the socket was closed with {client.close_code}"
        else:
            fault = f"was answered with {_shown(frame.body)}"
        self._note(client, action, fault)

    def _answer(
        self, client: Client, what: str, action: str, fields: Mapping[str, Any]
    ) -> Frame | None:
        before = len(client.received(""))
        try:
            return client.ask(action, **fields)
        except SOCKET_ERRORS:
            timeout = f"was not answered within {REPLY_TIMEOUT_SECONDS:g} s"
            fault = _gateways_answer(client, before) or timeout
            if not client.is_open:
                fault = f"the socket is closed, with code {client.close_code}"
            self._note(client, what, fault)
            return None

    def _note(self, client: Client, what: str, fault: str) -> None:
        if not fault:
            self._answered[client.name] += 1
            return
        way_out = "see routes and permissions, and the log group of the route's function"
        self.wrong.append(wrong(f"{client.name}: {what}", fault, way_out))


def _gateways_answer(client: Client, before: int) -> str:
    """The message that API Gateway itself sent since `before`, or "".

    Its frames have neither a type nor the client's requestId. `before` is the number of frames
    without a type at the time of sending.
    """
    newer = client.received("")[before:]
    return f"API Gateway itself answered: {newer[-1].get('message')}" if newer else ""


def _fault(frame: Frame, frame_type: str, fields: tuple[str, ...]) -> str:
    if frame.type != frame_type:
        return f"was answered with {_shown(frame.body)} instead of {frame_type}"
    missing = [name for name in fields if name not in frame.body]
    return f"{frame_type} lacks {', '.join(missing)}" if missing else ""


def _shown(body: Mapping[str, Any]) -> str:
    kept = ("type", "code", "message")
    return " ".join(str(body[name]) for name in kept if name in body)
