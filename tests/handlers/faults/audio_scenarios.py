"""What begins with a chunk of audio."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.handlers.faults.setting import Scenario, Start, changed, connected, session
from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.records import Socket
from tests.handlers.properties.world import World

AUDIO_DATA = base64.b64encode(bytes(200)).decode()
LEASE_MS = 10_000


def speak(world: World, speaker: Socket, sequence: int = 0) -> Operation:
    return world.send(speaker, "sendAudio", audioData=AUDIO_DATA, sequence=sequence)


def in_new_container(world: World, speaker: Socket, sequence: int = 0) -> Start:
    """The chunk arrives at a container that remembers no speaker."""

    def start() -> Operation:
        world.use_new_container("audio_ingest")
        return speak(world, speaker, sequence)

    return start


def speaks_first(world: World) -> Start:
    speaker, _ = session(world)
    return in_new_container(world, speaker)


def goes_on(world: World) -> Start:
    speaker, _ = session(world)
    world.finish(speak(world, speaker))
    return lambda: speak(world, speaker, 1)


def goes_on_in_another_container(world: World) -> Start:
    speaker, _ = session(world)
    world.finish(speak(world, speaker))
    return in_new_container(world, speaker, 1)


def goes_on_after_a_processor_has_left(world: World) -> Start:
    speaker, session_id = session(world)
    world.finish(speak(world, speaker))
    claim = world.stage.session(session_id)["audioClaim"]
    changed(world, "audio-slots", {"slot": claim["slot"]}, leaseUntil=world.clock.now_ms)
    changed(world, "sessions", {"sessionId": session_id}, audioClaim=claim | {"leaseUntil": 0})
    return lambda: speak(world, speaker, 1)


def goes_on_after_a_processor_has_died(world: World) -> Start:
    speaker, _ = session(world)
    world.finish(speak(world, speaker))
    world.advance(LEASE_MS)
    return lambda: speak(world, speaker, 1)


def speaks_in_silence(world: World) -> Start:
    speaker, _ = session(world)
    world.finish(world.send(speaker, "muteBroadcast"))
    return in_new_container(world, speaker)


def spoke_before_a_refresh(world: World) -> Start:
    """The chunk was sent on the old socket, and is handled after the refresh."""
    speaker, session_id = session(world)
    world.finish(speak(world, speaker))
    new = connected(world, "speaker", "user-1")
    world.finish(world.send(new, "refreshConnection", sessionId=session_id))
    return in_new_container(world, speaker, 1)


AUDIO_INGEST: Mapping[str, Scenario] = {
    "first chunk": speaks_first,
    "next chunk": goes_on,
    "next chunk in another container": goes_on_in_another_container,
    "chunk after a processor has left": goes_on_after_a_processor_has_left,
    "chunk after a processor has died": goes_on_after_a_processor_has_died,
    "chunk in silence": speaks_in_silence,
    "chunk of a replaced socket": spoke_before_a_refresh,
}
