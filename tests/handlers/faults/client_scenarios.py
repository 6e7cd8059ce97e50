"""What begins with a client: a handshake, each action, a socket that closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.handlers.faults.setting import (
    Begin,
    close,
    connected,
    end_untold,
    join,
    member,
    session,
)
from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.world import World

# ---- connection


def creates_after_an_end_he_was_not_told(world: World) -> Operation:
    speaker, session_id = session(world)
    end_untold(world, session_id)
    return world.send(speaker, "createSession", sourceLanguage="en")


def joins(world: World) -> Operation:
    _, session_id = session(world)
    return join(world, connected(world, "listener"), session_id)


def joins_as_one_of_many(world: World) -> Operation:
    _, session_id = session(world)
    member(world, session_id)
    return join(world, connected(world, "listener"), session_id)


def joins_again(world: World) -> Operation:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.finish(world.send(listener, "leaveSession"))
    return join(world, listener, session_id)


def joins_after_an_end_it_was_not_told(world: World) -> Operation:
    _, first = session(world)
    listener = member(world, first)
    end_untold(world, first)
    _, second = session(world)
    return join(world, listener, second)


def listener_sends(action: str, **fields: Any) -> Begin:
    def begin(world: World) -> Operation:
        _, session_id = session(world)
        member(world, session_id)
        return world.send(member(world, session_id), action, **fields)

    return begin


def speaker_sends(action: str, *before: str, **fields: Any) -> Begin:
    def begin(world: World) -> Operation:
        speaker, session_id = session(world)
        member(world, session_id)
        for earlier in before:
            world.finish(world.send(speaker, earlier))
        world.fan_outs.clear()
        return world.send(speaker, action, **fields)

    return begin


# ---- heartbeat and refresh


def beats_when_it_is_old(world: World) -> Operation:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.advance(106 * 60_000)
    return world.send(listener, "heartbeat")


def listener_refreshes(language: str) -> Begin:
    def begin(world: World) -> Operation:
        _, session_id = session(world)
        old = member(world, session_id)
        return world.send(
            connected(world, "listener"),
            "refreshConnection",
            sessionId=session_id,
            connectionId=old.connection_id,
            targetLanguage=language,
        )

    return begin


def speaker_refreshes(world: World) -> Operation:
    _, session_id = session(world)
    member(world, session_id)
    new = connected(world, "speaker", "user-1")
    return world.send(new, "refreshConnection", sessionId=session_id)


def speaker_comes_back_in_time(world: World) -> Operation:
    speaker, session_id = session(world)
    member(world, session_id)
    close(world, speaker)
    new = connected(world, "speaker", "user-1")
    return world.send(new, "refreshConnection", sessionId=session_id)


CONNECTION: Mapping[str, Begin] = {
    "$connect": lambda world: world.connect("listener"),
    "createSession": lambda world: world.send(
        connected(world, "speaker", "user-1"), "createSession", sourceLanguage="en"
    ),
    "createSession after an end that he was not told": creates_after_an_end_he_was_not_told,
    "joinSession": joins,
    "joinSession as one of many": joins_as_one_of_many,
    "joinSession again": joins_again,
    "joinSession after an end that it was not told": joins_after_an_end_it_was_not_told,
    "leaveSession": listener_sends("leaveSession"),
    "changeLanguage": listener_sends("changeLanguage", targetLanguage="fr"),
    "pausePlayback": listener_sends("pausePlayback"),
    "resumePlayback": listener_sends("resumePlayback"),
    "endSession": speaker_sends("endSession"),
    "pauseBroadcast": speaker_sends("pauseBroadcast"),
    "resumeBroadcast": speaker_sends("resumeBroadcast", "pauseBroadcast"),
    "muteBroadcast": speaker_sends("muteBroadcast"),
    "unmuteBroadcast": speaker_sends("unmuteBroadcast", "muteBroadcast"),
    "setVolume": speaker_sends("setVolume", volumeLevel=0.5),
    "speakerStateChange": speaker_sends("speakerStateChange", state={"isPaused": True}),
}

HEARTBEAT: Mapping[str, Begin] = {
    "heartbeat": listener_sends("heartbeat"),
    "heartbeat of an old socket": beats_when_it_is_old,
}

REFRESH: Mapping[str, Begin] = {
    "listener": listener_refreshes("es"),
    "listener with another language": listener_refreshes("fr"),
    "speaker": speaker_refreshes,
    "speaker within the grace period": speaker_comes_back_in_time,
}
