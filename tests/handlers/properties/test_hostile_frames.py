"""Whatever clients send: no INTERNAL_ERROR, nobody joins without the passcode, and none is shown.

`HOSTILE_FRAMES=100000` tries more of them, `HOSTILE_SEED=…` others.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
from collections import Counter
from typing import Any

import connection
import msgspec
import pytest

from contract.actions import ACTIONS, Role
from contract.functions import NONE, ConnectionEnvironment
from live_sessions.aws.runtime import read_environment
from tests.handlers.conftest import ENTRY_OF_ROUTE, LambdaContext, Stage
from tests.handlers.properties.world import without_logs
from tests.protocol_facts import answers

FRAMES = int(os.environ.get("HOSTILE_FRAMES", "4000"))
SEED = int(os.environ.get("HOSTILE_SEED", "14"))

SECRET = "hidden-048213"
SPEAKERS, LISTENERS = 4, 8
AUDIO = base64.b64encode(bytes(3_200)).decode()

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**53, 2**64, 10**40, 0.0, 0.5, -0.0, 1e308, 16_000, 48_001),
    *("", " ", "0", "open", "passcode", "Passcode", "standard", "premium", "en", "es", "EN-us"),
    *("zh-Hant-HK", "iw", "en--US", "x" * 36, "x" * 3_000, "\u0000", "é", "\u202e", "🔑", "ﬀ"),
    *("000000", "048213", "０４８２１３", SECRET[:-1], f"{SECRET} ", SECRET.upper()),
    *([], {}, [[]], {"isPaused": True}, {"volume": 2}, {"isMuted": "yes", "x": 1}, [SECRET[:3]]),
    *(AUDIO, AUDIO[:-1], "====", "AAAA"),
)


def fields_of(action: str, role: Role) -> list[str]:
    """Those of a role's message; of the other role's, if the action is not for the role."""
    by_role = answers()[action]
    answer = by_role.get(role) or next(iter(by_role.values()))
    return [field.encode_name for field in msgspec.structs.fields(answer.message)]


EVERY_FIELD = sorted(
    {name for action in ACTIONS for role in Role for name in fields_of(action, role)}
)


class Attack:
    """Sockets of both roles, sessions of both kinds, and a random message after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chance = random.Random(SEED)  # noqa: S311
        # With limits, most of so many messages would be refused for them alone.
        stage.environment |= {
            name: str(10**9) for name in stage.environment if re.search("_PER_(HOUR|MINUTE)$", name)
        }
        # There is no bucket behind it.
        stage.environment["TRANSCRIPT_READER_ROLE"] = NONE
        stage.entries["connection"] = connection.build(
            read_environment(ConnectionEnvironment, stage.environment),
            stage.clients,
            stage.clock,
            new_passcode=lambda: SECRET,
        )
        self.sockets = [stage.connect_speaker(f"user-{number}") for number in range(SPEAKERS)]
        self.sockets += [stage.connect_listener() for _ in range(LISTENERS)]
        self.sessions: dict[str, str] = {}

    def reconnect(self) -> None:
        """One of the sockets is replaced by a new one of the same kind."""
        number = self.chance.randrange(len(self.sockets))
        self.stage.disconnect(self.sockets[number])
        is_speaker = number < SPEAKERS
        self.sockets[number] = (
            self.stage.connect_speaker(f"user-{number}")
            if is_speaker
            else self.stage.connect_listener()
        )

    def message(self, role: Role) -> tuple[str, str]:
        """A route, and a message that may fit it and the role."""
        chance = self.chance
        wanted = [name for name, action in ACTIONS.items() if role in action.roles]
        action = chance.choice(wanted if chance.random() < 0.9 else sorted(ACTIONS))
        fields: dict[str, Any] = {"action": action}
        for name in fields_of(action, role):
            if chance.random() < 0.9:
                fields[name] = self.value(name)
        for name in chance.sample(EVERY_FIELD, chance.choice([0, 0, 0, 1, 2])):
            fields[name] = self.value(name)
        if chance.random() < 0.2:
            fields["requestId"] = chance.choice(ODD_VALUES)
        if chance.random() < 0.05:
            fields["action"] = chance.choice(ODD_VALUES)
        text = json.dumps(fields, ensure_ascii=chance.random() < 0.5)
        if chance.random() < 0.05:
            cut = chance.randrange(len(text))
            text = (
                text[:cut]
                + chance.choice(["", "\\ud800", "}", '"', "\x00", "NaN"])
                + text[cut + 1 :]
            )
        return action, text

    def value(self, name: str) -> Any:
        """Often one that fits, so that more than the first check is reached."""
        if self.chance.random() < 0.15:
            return self.chance.choice(ODD_VALUES)
        fitting: dict[str, Any] = {
            "sessionId": self.chance.choice([*list(self.sessions)[-4:], "no-such-session"]),
            "connectionId": self.chance.choice(self.sockets),
            "sourceLanguage": "en",
            "targetLanguage": self.chance.choice(["es", "fr", "en"]),
            "access": self.chance.choice(["open", "passcode"]),
            "passcode": self.chance.choice([SECRET, "wrong"]),
            "qualityTier": "premium",
            "receiveCaptions": True,
            "keepTranscript": True,
            "since": 0,
            "limit": 5,
            "language": "en",
            "format": "srt",
            "sampleRateHertz": 16_000,
            "volumeLevel": 0.5,
            "sequence": self.chance.randrange(10),
            "audioData": AUDIO,
            "state": {"isPaused": self.chance.random() < 0.5},
        }
        return fitting.get(name, "x")

    def send(self) -> tuple[str, str, list[dict[str, Any]]]:
        """The sender, the message, and the frames that it was sent."""
        if self.chance.random() < 0.03:
            self.reconnect()
        socket = self.chance.choice(self.sockets)
        route, text = self.message(Role.SPEAKER if socket.startswith("speaker") else Role.LISTENER)
        self.stage.sockets.posts.clear()
        event = self.stage.event(socket, "MESSAGE", route, text)
        response = self.stage.entries[ENTRY_OF_ROUTE[route]](event, LambdaContext())
        assert response["statusCode"] == 200
        replies = [json.loads(response["body"])] if "body" in response else []
        posts = [frame for receiver, frame in self.stage.sockets.posts if receiver == socket]
        for receiver, frame in self.stage.sockets.posts:
            if receiver != socket:
                assert SECRET not in json.dumps(frame), frame
        return socket, text, [*posts, *replies]


@pytest.fixture
def attack(stage: Stage) -> Attack:
    return Attack(stage)


@pytest.mark.timeout(0 if "HOSTILE_FRAMES" in os.environ else 120)
def test_hostile_frames_are_answered_and_give_nothing_away(attack: Attack) -> None:
    seen: Counter[str] = Counter()
    with without_logs():
        for _ in range(FRAMES):
            socket, text, frames = attack.send()
            for frame in frames:
                code = frame.get("code", frame["type"])
                seen[code] += 1
                assert code != "INTERNAL_ERROR", (text, frame)
                judge(attack, socket, text, frame)
            attack.stage.fan_outs.clear()
            attack.stage.queued_with_delay("session-checks")
    wanted = {"sessionCreated", "sessionJoined", "INVALID_PASSCODE"}
    assert wanted | {"connectionRefreshComplete", "stateRestored"} <= seen.keys(), seen


def judge(attack: Attack, socket: str, text: str, frame: dict[str, Any]) -> None:
    if frame["type"] == "sessionCreated":
        attack.sessions[frame["sessionId"]] = frame["access"]
        assert ("passcode" in frame) == (frame["access"] == "passcode")
    elif frame["type"] == "sessionJoined":
        by_passcode = attack.sessions[frame["sessionId"]] == "passcode"
        assert not by_passcode or json.loads(text)["passcode"] == SECRET, text
        shows_no_secret(text, frame)
    elif frame["type"] == "connectionRefreshComplete" and socket.startswith("speaker"):
        assert ("passcode" in frame) == (frame["access"] == "passcode")
    else:
        shows_no_secret(text, frame)


def shows_no_secret(text: str, frame: dict[str, Any]) -> None:
    """A frame may repeat what the client sent, such as its requestId, but never its passcode."""
    sent_elsewhere = SECRET in json.dumps({**_object(text), "passcode": None})
    assert sent_elsewhere or SECRET not in json.dumps(frame), (text, frame)


def _object(text: str) -> dict[str, Any]:
    try:
        decoded = json.loads(text)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}  # pyright: ignore[reportUnknownVariableType]
