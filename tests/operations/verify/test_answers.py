"""What of the service's answers is tried, and what not, since it would cost something."""

from typing import Any

from client.sockets import Frame, FrameMissing
from operations.verify.checks import answers
from operations.verify.context import ROUTE
from operations.verify.promises import LISTENER, PROMISES, SPEAKER
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import context_of, declared

GOOD_CHUNK = "a good chunk"


class Socket:
    """Answers every action as promised, but pauseBroadcast as it is told to."""

    is_open = True
    close_code = None

    def __init__(self, role: str, *, pauses: bool, routes: set[str]) -> None:
        self.name = role
        self.chunks: list[str] = []
        self._pauses = pauses
        self._routes = routes

    def ask(self, action: str, **fields: Any) -> Frame:
        if refusal := self._refusal(action, fields):
            return Frame({"type": "error", "code": refusal, "message": "m", **common()}, 0)
        if action == "pauseBroadcast" and not self._pauses:
            raise FrameMissing("no reply")
        promise = PROMISES[action]
        values = {name: f"a {name}" for name in promise.fields}
        return Frame({"type": promise.reply, **values, **common()}, 0)

    def send(self, action: str, **fields: Any) -> str:
        self.chunks.append(fields["audioData"])
        return "r"

    def answer_to(self, request_id: str, timeout_seconds: float) -> Frame:
        raise FrameMissing("silence")

    def expect(self, frame_type: str, **fields: Any) -> None:
        """Whatever is awaited comes."""

    def received(self, frame_type: str) -> list[Frame]:
        return []

    def _refusal(self, action: str, fields: dict[str, Any]) -> str:
        if action not in self._routes:
            return "INVALID_ACTION"
        if self.name not in PROMISES[action].roles:
            return "UNAUTHORIZED_ACTION"
        if action == "sendAudio":
            return "INVALID_AUDIO" if "audioData" in fields else "INVALID_PARAMETER"
        return ""


class RunClients:
    def __init__(self, *, pauses: bool, routes: set[str]) -> None:
        self.made: list[Socket] = []
        self._how: Any = {"pauses": pauses, "routes": routes}

    def speaker(self, role: str) -> Socket:
        self.made.append(Socket(role, **self._how))
        return self.made[-1]

    listener = speaker

    def track(self, session_id: str, speaker: Socket) -> None:
        """Nothing is to be ended."""

    def untrack(self, session_id: str) -> None:
        """Nothing is to be ended."""


def common() -> dict[str, Any]:
    return {"timestamp": 1, "requestId": "r"}


def talk(*, pauses: bool = True, without: str = "") -> tuple[list[str], dict[str, Verdict]]:
    """The chunks that were sent, and the verdicts by subject."""
    routes = PROMISES.keys() - {without}
    run_clients = RunClients(pauses=pauses, routes=set(routes))
    context = context_of(
        *(declared(ROUTE, key, routeKey=key) for key in routes), run_clients=run_clients
    )
    found = {each.subject: each for each in answers(context)}
    return [chunk for socket in run_clients.made for chunk in socket.chunks], found


def test_a_good_chunk_is_sent_to_a_paused_broadcast() -> None:
    chunks, found = talk()
    assert len(chunks) == 1
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found.keys() == {SPEAKER, LISTENER}


def test_no_good_chunk_goes_to_a_broadcast_that_is_not_paused() -> None:
    chunks, found = talk(without="pauseBroadcast")
    assert chunks == []
    assert found[GOOD_CHUNK].result is Result.NOT_TRIED
    assert found[GOOD_CHUNK].way_out
    chunks, found = talk(pauses=False)
    assert chunks == []
    assert found[GOOD_CHUNK].result is Result.NOT_TRIED
    assert found["speaker: pauseBroadcast"].result is Result.WRONG
