"""What begins with a client: a handshake, each action, a socket that closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.handlers.faults.setting import (
    Scenario,
    Start,
    close,
    connected,
    end_without_notices,
    join,
    member,
    session,
)
from tests.handlers.properties.world import PASSCODE, World

# ---- connection


def connects(world: World) -> Start:
    return lambda: world.connect("listener")


def creates(world: World) -> Start:
    speaker = connected(world, "speaker", "user-1")
    return lambda: world.send(speaker, "createSession", sourceLanguage="en")


def creates_after_an_end_without_notice(world: World) -> Start:
    speaker, session_id = session(world)
    end_without_notices(world, session_id)
    return lambda: world.send(speaker, "createSession", sourceLanguage="en")


def joins(world: World) -> Start:
    _, session_id = session(world)
    listener = connected(world, "listener")
    return lambda: join(world, listener, session_id)


def joins_by_passcode(world: World) -> Start:
    speaker = connected(world, "speaker", "user-1")
    fields = {"sourceLanguage": "en", "access": "passcode"}
    world.finish(world.send(speaker, "createSession", **fields))
    listener = connected(world, "listener")
    fields = {"sessionId": world.known_sessions[-1], "targetLanguage": "es", "passcode": PASSCODE}
    return lambda: world.send(listener, "joinSession", **fields)


def joins_as_one_of_many(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    listener = connected(world, "listener")
    return lambda: join(world, listener, session_id)


def joins_again(world: World) -> Start:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.finish(world.send(listener, "leaveSession"))
    return lambda: join(world, listener, session_id)


def joins_after_an_end_without_notice(world: World) -> Start:
    _, first = session(world)
    listener = member(world, first)
    end_without_notices(world, first)
    _, second = session(world)
    return lambda: join(world, listener, second)


def listener_sends(action: str, **fields: Any) -> Scenario:
    def set_up(world: World) -> Start:
        _, session_id = session(world)
        member(world, session_id)
        listener = member(world, session_id)
        return lambda: world.send(listener, action, **fields)

    return set_up


def speaker_sends(action: str, *before: str, **fields: Any) -> Scenario:
    def set_up(world: World) -> Start:
        speaker, session_id = session(world)
        member(world, session_id)
        for earlier in before:
            world.finish(world.send(speaker, earlier))
        world.fan_outs.clear()
        return lambda: world.send(speaker, action, **fields)

    return set_up


def speaker_with_heartbeats_mutes(world: World) -> Start:
    speaker, session_id = session(world)
    member(world, session_id)
    world.advance(30_000)
    world.finish(world.send(speaker, "heartbeat"))
    world.advance(31_000)
    return lambda: world.send(speaker, "muteBroadcast")


# ---- heartbeat and refresh


def beats_when_it_is_old(world: World) -> Start:
    _, session_id = session(world)
    listener = member(world, session_id)
    world.advance(106 * 60_000)
    return lambda: world.send(listener, "heartbeat")


def listener_refreshes(language: str) -> Scenario:
    def set_up(world: World) -> Start:
        _, session_id = session(world)
        old = member(world, session_id)
        new = connected(world, "listener")
        return lambda: world.send(
            new,
            "refreshConnection",
            sessionId=session_id,
            connectionId=old.connection_id,
            targetLanguage=language,
        )

    return set_up


def speaker_refreshes(world: World) -> Start:
    _, session_id = session(world)
    member(world, session_id)
    new = connected(world, "speaker", "user-1")
    return lambda: world.send(new, "refreshConnection", sessionId=session_id)


def speaker_comes_back_in_time(world: World) -> Start:
    speaker, session_id = session(world)
    member(world, session_id)
    close(world, speaker)
    new = connected(world, "speaker", "user-1")
    return lambda: world.send(new, "refreshConnection", sessionId=session_id)


CONNECTION: Mapping[str, Scenario] = {
    "$connect": connects,
    "createSession": creates,
    "createSession after an end without notice": creates_after_an_end_without_notice,
    "joinSession": joins,
    "joinSession by passcode": joins_by_passcode,
    "joinSession as one of many": joins_as_one_of_many,
    "joinSession again": joins_again,
    "joinSession after an end without notice": joins_after_an_end_without_notice,
    "leaveSession": listener_sends("leaveSession"),
    "changeLanguage": listener_sends("changeLanguage", targetLanguage="fr"),
    "getCaptions": listener_sends("getCaptions"),
    "pausePlayback": listener_sends("pausePlayback"),
    "resumePlayback": listener_sends("resumePlayback"),
    "endSession": speaker_sends("endSession"),
    "getTranscript": speaker_sends("getTranscript"),
    "pauseBroadcast": speaker_sends("pauseBroadcast"),
    "resumeBroadcast": speaker_sends("resumeBroadcast", "pauseBroadcast"),
    "muteBroadcast": speaker_sends("muteBroadcast"),
    "muteBroadcast of a speaker with heartbeats": speaker_with_heartbeats_mutes,
    "unmuteBroadcast": speaker_sends("unmuteBroadcast", "muteBroadcast"),
    "setVolume": speaker_sends("setVolume", volumeLevel=0.5),
    "speakerStateChange": speaker_sends("speakerStateChange", state={"isPaused": True}),
}

HEARTBEAT: Mapping[str, Scenario] = {
    "heartbeat": listener_sends("heartbeat"),
    "heartbeat of an old socket": beats_when_it_is_old,
}

REFRESH: Mapping[str, Scenario] = {
    "listener": listener_refreshes("es"),
    "listener with another language": listener_refreshes("fr"),
    "speaker": speaker_refreshes,
    "speaker within the grace period": speaker_comes_back_in_time,
}
