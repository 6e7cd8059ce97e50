"""Speakers and listeners in their sessions."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from client.people import Listener, Speaker
from client.sockets import Client, Frame
from local.cloud import LocalCloud
from tests.local.conftest import SMALL
from tests.patience import PATIENCE_SECONDS

# Longer than any test takes; the whole log of all tests is slow to read.
RECENT_LOG_SECONDS = 400


@dataclass(frozen=True)
class Session:
    """A live session: its speaker and those who joined it first."""

    session_id: str
    speaker: Speaker
    listeners: list[Listener]

    @property
    def listener(self) -> Listener:
        [only] = self.listeners
        return only


def session_of(cloud: LocalCloud, *languages: str, speaker: Speaker | None = None) -> Session:
    """A session with a listener for each of the languages."""
    speaker = speaker or cloud.speaker()
    session_id = speaker.create_session("en")
    return Session(
        session_id, speaker, [joined(cloud, session_id, language) for language in languages]
    )


def joined(cloud: LocalCloud, session_id: str, language: str) -> Listener:
    listener = cloud.listener()
    reply = listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
    assert reply.type == "sessionJoined", reply.body
    return listener


def leave_one_place(cloud: LocalCloud, session_id: str) -> None:
    """Fill a session of the SMALL cloud but for one place, with listeners who are only counted."""
    count = SMALL["maxListenersPerSession"] - 1
    cloud.client("dynamodb").update_item(
        TableName=cloud.outputs["sessionsTable"],
        Key={"sessionId": {"S": session_id}},
        UpdateExpression="SET listenerCount = :count",
        ExpressionAttributeValues={":count": {"N": str(count)}},
    )


def connection_id_of(client: Client) -> str:
    """The connection's ID from the last frame that had one."""
    return [frame["connectionId"] for frame in client.received() if frame.get("connectionId")][-1]


def state_of(speaker: Speaker) -> dict[str, Any]:
    return speaker.ask_status()["broadcastState"]


def refusal(reply: Frame) -> str:
    assert reply.type == "error", reply.body
    return reply["code"]


def eventually(
    condition: Callable[[], Any], what: str, timeout_seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until the condition holds; only ever decides that something did not happen at all."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds:g} s: {what}"
        time.sleep(0.1)


def wait_until_gone(cloud: LocalCloud, connection_id: str) -> None:
    """Wait until the service has noticed that the socket closed; its log has a hash of the id."""
    hashed = hashlib.sha256(connection_id.encode()).hexdigest()[:12]
    wait_for_log(cloud, "disconnect", message="disconnected", connection=hashed)


def wait_for_log(cloud: LocalCloud, entry: str, **fields: object) -> None:
    """Wait until the function has logged a line with these fields during this test."""
    since_ms = int((time.time() - RECENT_LOG_SECONDS) * 1000)

    def is_logged() -> bool:
        lines = cloud.function_log(entry, since_ms)
        return any(line.fields.items() >= fields.items() for line in lines)

    eventually(is_logged, f"{entry} logs {fields}")
