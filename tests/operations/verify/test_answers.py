"""Which actions are tried, and which are not because they would be charged."""

from typing import Any

import pytest

from client.sockets import Frame, FrameMissing
from operations.verify.checks import answers
from operations.verify.promises import LISTENER, PROMISES, SPEAKER
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import context_of, removing

VALID_CHUNK = "a valid chunk"
PASSCODE = "048213"


class Socket:
    """Answers every action as documented; `pauses` says whether pauseBroadcast is answered."""

    is_open = True
    close_code = None

    def __init__(self, role: str, *, pauses: bool, removed: set[str]) -> None:
        self.name = role
        self.chunks: list[str] = []
        self.asked: list[str] = []
        self._pauses = pauses
        self._removed = removed

    def ask(self, action: str, **fields: Any) -> Frame:
        self.asked.append(action)
        if refusal := self._refusal(action, fields):
            return Frame({"type": "error", "code": refusal, "message": "m", **common()}, 0)
        if action == "pauseBroadcast" and not self._pauses:
            raise FrameMissing("no reply")
        promise = PROMISES[action]
        values = {name: f"a {name}" for name in promise.fields}
        if action == "createSession" and fields.get("access") == "passcode":
            values["passcode"] = PASSCODE
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
        if action in self._removed or action not in PROMISES:
            return "INVALID_ACTION"
        if self.name not in PROMISES[action].roles:
            return "UNAUTHORIZED_ACTION"
        if action == "joinSession" and fields.get("passcode") != PASSCODE:
            return "INVALID_PASSCODE"
        if action == "sendAudio":
            return "INVALID_AUDIO" if "audioData" in fields else "INVALID_PARAMETER"
        return ""


class RunClients:
    def __init__(self, *, pauses: bool, removed: set[str]) -> None:
        self.made: list[Socket] = []
        self._how: Any = {"pauses": pauses, "removed": removed}

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


def run(
    *removed: str, pauses: bool = True, deployed: bool = True
) -> tuple[RunClients, dict[str, Verdict]]:
    """The clients, and the verdicts by subject; `deployed`: whether the removal is in effect."""
    run_clients = RunClients(pauses=pauses, removed={*removed} if deployed else set())
    context = context_of(run_clients=run_clients, config=removing(*removed))
    return run_clients, {each.subject: each for each in answers(context)}


def talk(*removed: str, pauses: bool = True) -> tuple[list[str], dict[str, Verdict]]:
    """The chunks that were sent, and the verdicts by subject."""
    clients, found = run(*removed, pauses=pauses)
    return [chunk for socket in clients.made for chunk in socket.chunks], found


def test_a_valid_chunk_is_sent_to_a_paused_broadcast() -> None:
    chunks, found = talk()
    assert len(chunks) == 1
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found.keys() == {SPEAKER, LISTENER}


def test_no_valid_chunk_is_sent_unless_the_broadcast_is_paused() -> None:
    chunks, found = talk("pauseBroadcast")
    assert chunks == []
    assert found[VALID_CHUNK].result is Result.NOT_TRIED
    assert found[VALID_CHUNK].way_out
    chunks, found = talk(pauses=False)
    assert chunks == []
    assert found[VALID_CHUNK].result is Result.NOT_TRIED
    assert found["speaker: pauseBroadcast"].result is Result.WRONG


def test_a_session_that_is_joined_without_its_passcode_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = Socket._refusal  # pyright: ignore[reportPrivateUsage]

    def as_if_it_had_it(socket: Socket, action: str, fields: dict[str, Any]) -> str:
        return refusal(socket, action, {**fields, "passcode": PASSCODE})

    monkeypatch.setattr(Socket, "_refusal", as_if_it_had_it)
    _, found = run()
    assert "instead of error" in found["listener: joinSession (INVALID_PASSCODE)"].seen


@pytest.mark.parametrize("action", PROMISES)
def test_a_removed_action_is_sent_by_both_roles(action: str) -> None:
    clients, found = run(action)
    first = {socket.name: socket for socket in reversed(clients.made)}
    assert all(action in first[role].asked for role in (SPEAKER, LISTENER))
    assert Result.WRONG not in {each.result for each in found.values()}


def test_a_removed_action_that_is_carried_out_is_reported_for_each_role() -> None:
    _, found = run("pausePlayback", deployed=False)
    wrong = {name: each.seen for name, each in found.items() if each.result is Result.WRONG}
    assert wrong == {
        "speaker: pausePlayback (INVALID_ACTION)": "was refused with UNAUTHORIZED_ACTION instead of"
        " INVALID_ACTION: m",
        "listener: pausePlayback (INVALID_ACTION)": "was answered with playbackPaused instead of"
        " error",
    }
