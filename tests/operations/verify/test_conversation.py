"""Replies compared with the documented protocol."""

import itertools
from typing import Any

import pytest

from client.sockets import Frame, FrameMissing
from operations.verify.conversation import Conversation
from operations.verify.verdicts import Result
from tests.operations.verify.contexts import context_of, removing

ACK = {"type": "heartbeatAck", "timestamp": 1, "requestId": "r"}
REFUSAL = {
    "type": "error",
    "timestamp": 1,
    "requestId": "r",
    "code": "INVALID_ACTION",
    "message": "m",
}
GATEWAYS = {"message": "Internal server error", "connectionId": "c", "requestId": "g"}


class Client:
    """Answers each message with the next of `answers`; None means no answer."""

    name = "speaker"
    close_code = 1006

    def __init__(self, *answers: dict[str, Any] | None, is_open: bool = True) -> None:
        self.is_open = is_open
        self._answers = itertools.chain(answers, itertools.repeat(None))
        self._untyped: list[Frame] = []

    def ask(self, action: str, **fields: Any) -> Frame:
        return self.answer_to(action, 1)

    def send(self, action: str, **fields: Any) -> str:
        return action

    def answer_to(self, request_id: str, timeout_seconds: float) -> Frame:
        answer = next(self._answers)
        if answer is None or "type" not in answer:
            self._untyped = [Frame(answer, 0)] if answer else []
            raise FrameMissing("nothing came")
        return Frame(answer, 0)

    def received(self, frame_type: str) -> list[Frame]:
        return self._untyped


def conversation(*removed: str) -> Conversation:
    return Conversation(context_of(config=removing(*removed)))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({**ACK, "type": "sessionLeft"}, "was answered with sessionLeft instead of heartbeatAck"),
        ({"type": "heartbeatAck", "timestamp": 1}, "heartbeatAck lacks requestId"),
        (REFUSAL, "was answered with error INVALID_ACTION m instead of heartbeatAck"),
        (None, "was not answered within 10 s"),
        (GATEWAYS, "API Gateway itself answered: Internal server error"),
    ],
)
def test_a_wrong_answer_is_reported(answer: dict[str, Any] | None, fault: str) -> None:
    talk, client = conversation(), Client(answer)
    assert talk.ask(client, "heartbeat") is None  # pyright: ignore[reportArgumentType]
    [verdict] = talk.verdicts()
    assert (verdict.subject, verdict.seen) == ("speaker: heartbeat", fault)


def test_a_correct_answer_is_counted_and_returned() -> None:
    talk, client = conversation(), Client(ACK)
    frame = talk.ask(client, "heartbeat")  # pyright: ignore[reportArgumentType]
    assert frame is not None
    assert frame.type == "heartbeatAck"
    [verdict] = talk.verdicts()
    assert verdict.result is Result.RIGHT
    assert verdict.seen.startswith("1 messages answered")


def test_a_removed_action_must_be_refused() -> None:
    talk = conversation("heartbeat")
    assert talk.ask(Client(REFUSAL), "heartbeat") is None  # pyright: ignore[reportArgumentType]
    assert [each.result for each in talk.verdicts()] == [Result.RIGHT]
    talk.ask(Client(ACK), "heartbeat")  # pyright: ignore[reportArgumentType]
    assert [each.result for each in talk.verdicts()] == [Result.WRONG, Result.RIGHT]


def test_a_refusal_with_another_code_is_reported() -> None:
    talk = conversation()
    client: Any = Client(REFUSAL)
    talk.expect_refusal(client, "heartbeat", "UNAUTHORIZED_ACTION")
    [verdict] = talk.verdicts()
    assert verdict.seen == "was refused with INVALID_ACTION instead of UNAUTHORIZED_ACTION: m"


def test_an_error_after_an_action_without_a_reply_is_reported() -> None:
    talk = conversation()
    quiet: Any = Client(None)
    talk.expect_no_reply(quiet, "sendAudio", for_seconds=0)
    refused: Any = Client(REFUSAL)
    talk.expect_no_reply(refused, "sendAudio", for_seconds=0)
    closed: Any = Client(None, is_open=False)
    talk.expect_no_reply(closed, "sendAudio", for_seconds=0)
    assert [each.seen for each in talk.wrong] == [
        "was answered with error INVALID_ACTION m",
        "the socket was closed with 1006",
    ]


def test_an_error_of_the_gateway_is_reported_but_not_an_older_one() -> None:
    talk = conversation()
    client: Any = Client(GATEWAYS)
    talk.expect_no_reply(client, "sendAudio", for_seconds=0)
    talk.expect_no_reply(still_showing(GATEWAYS), "sendAudio", for_seconds=0)
    assert [each.seen for each in talk.wrong] == [
        "API Gateway itself answered: Internal server error"
    ]


def test_an_older_answer_of_the_gateway_is_not_attributed_to_this_message() -> None:
    talk = conversation()
    talk.ask(still_showing(GATEWAYS), "heartbeat")
    assert [each.seen for each in talk.wrong] == ["was not answered within 10 s"]


def still_showing(frame: dict[str, Any]) -> Any:
    """A client that received the frame earlier, and now receives nothing."""
    client = Client(None)
    older = [Frame(frame, 0)]
    client.received = lambda frame_type: older  # pyright: ignore[reportAttributeAccessIssue]
    return client
