"""The example of docs/protocol.md is played: what it says a client receives, a client receives."""

import json
from collections.abc import Mapping
from typing import Any

from client.sockets import Client, Frame
from local.cloud import LocalCloud
from tests.local.protocol.people import eventually
from tests.protocol_page import PAGE, Step, example

# Other numbers, and other ids, each time.
NUMBERS = {
    "timestamp": int,
    "lastStateChange": int,
    "expiresAt": int,
    "sessionDuration": int,
    "pausedSeconds": float,
}
IDS = ("sessionId", "connectionId")


class Play:
    """The sockets of the page's names, and which of our ids stands for which of the page's."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._clients: dict[str, Client] = {}
        self._heard: dict[str, int] = {}
        self._ours: dict[str, str] = {}

    def carry_out(self, step: Step) -> None:
        client = self._client(step.client)
        if step.sent is not None:
            client.send_text(json.dumps(self._translated(step.sent)))
        elif step.received is not None:
            self._compare(step.received, self._next_frame(step.client, client).body)
        else:
            client.close()

    def nothing_more_came(self) -> None:
        for name, client in self._clients.items():
            assert len(frames_of(client)) == self._heard[name], f"{name} heard more than the page"

    def _client(self, name: str) -> Client:
        if name not in self._clients:
            opened = self._cloud.speaker if name.startswith("speaker") else self._cloud.listener
            self._clients[name] = opened(name)
            self._heard[name] = 0
        return self._clients[name]

    def _next_frame(self, name: str, client: Client) -> Frame:
        index = self._heard[name]
        eventually(lambda: len(frames_of(client)) > index, f"{name} receives its next frame")
        self._heard[name] += 1
        return frames_of(client)[index]

    def _translated(self, message: dict[str, Any]) -> dict[str, Any]:
        """The page's message with our ids."""
        return {
            name: self._ours.get(value, value) if name in IDS else value
            for name, value in message.items()
        }

    def _compare(self, page: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
        assert ours.keys() == page.keys(), ours
        for name, value in page.items():
            if name in NUMBERS:
                assert isinstance(ours[name], NUMBERS[name]), f"{name} of {ours}"
            elif name in IDS:
                assert self._ours.setdefault(value, ours[name]) == ours[name], f"{name} of {ours}"
            elif isinstance(value, dict):
                self._compare(value, ours[name])
            else:
                assert ours[name] == value, f"{name} of {ours}"
        assert len(set(self._ours.values())) == len(self._ours), "two ids of the page are one"


def frames_of(client: Client) -> list[Frame]:
    """All that came but what comes at times of its own: periodic statuses, and the state that is
    sent again some seconds after listeners came or left.
    """
    frames: list[Frame] = []
    versions: set[int] = set()
    for frame in client.received():
        version = frame.get("broadcastState", {}).get("version")
        is_again = frame.type == "speakerStateChanged" and version in versions
        if frame.get("updateReason") != "periodic" and not is_again:
            frames.append(frame)
        versions.add(version)
    return frames


def test_the_example_of_the_page_is_what_clients_see(cloud: LocalCloud) -> None:
    steps = example(PAGE.read_text())
    assert len(steps) > 30
    play = Play(cloud)
    for step in steps:
        play.carry_out(step)
    play.nothing_more_came()
