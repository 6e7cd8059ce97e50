"""Which actions are tried, and which are not because they would be charged."""

from typing import Any

from client.sockets import Frame, FrameMissing
from operations.verify.checks import answers
from operations.verify.context import ROUTE
from operations.verify.promises import LISTENER, PROMISES, SPEAKER
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import context_of, declared

VALID_CHUNK = "a valid chunk"


class Socket:
    """Answers every action as documented; `pauses` says whether pauseBroadcast is answered."""

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
        """Every expected push arrives."""

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
        """No session needs ending."""

    def untrack(self, session_id: str) -> None:
        """No session needs ending."""


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


def test_a_valid_chunk_is_sent_to_a_paused_broadcast() -> None:
    chunks, found = talk()
    assert len(chunks) == 1
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found.keys() == {SPEAKER, LISTENER}


def test_no_valid_chunk_is_sent_unless_the_broadcast_is_paused() -> None:
    chunks, found = talk(without="pauseBroadcast")
    assert chunks == []
    assert found[VALID_CHUNK].result is Result.NOT_TRIED
    assert found[VALID_CHUNK].way_out
    chunks, found = talk(pauses=False)
    assert chunks == []
    assert found[VALID_CHUNK].result is Result.NOT_TRIED
    assert found["speaker: pauseBroadcast"].result is Result.WRONG
