"""Scenarios that begin with a transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.handlers.faults.setting import Scenario, Start, end_without_notices, member, session
from tests.handlers.properties.interleaving import Operation
from tests.handlers.properties.world import World

TEXT = "Good evening."


def is_said(*languages: str, one_is_gone: bool = False) -> Scenario:
    """A transcript for listeners of these languages; the first may have disconnected."""

    def set_up(world: World) -> Start:
        _, session_id = session(world)
        members = [member(world, session_id, language) for language in languages]
        if one_is_gone:
            world.close(members[0])
        return lambda: say(world, session_id)

    return set_up


def is_said_after_the_end(**fields: Any) -> Scenario:
    """Of a session that was created with these fields."""

    def set_up(world: World) -> Start:
        _, session_id = session(world, **fields)
        member(world, session_id)
        end_without_notices(world, session_id)
        return lambda: say(world, session_id)

    return set_up


def say(world: World, session_id: str) -> Operation:
    transcript = {
        "sessionId": session_id,
        "sequence": 1,
        "sourceLanguage": "en",
        "text": TEXT,
        "isPartial": False,
        "spokenAt": world.clock.now_ms,
    }
    # In which nothing has been translated yet.
    world.use_new_container("translation")
    return world.caption(transcript)


TRANSLATION: Mapping[str, Scenario] = {
    "transcript": is_said("es", "en", "fr"),
    "transcript, one listener is gone": is_said("es", "en", "es", one_is_gone=True),
    "transcript without listeners": is_said(),
    "transcript after the end": is_said_after_the_end(),
    "transcript after the end, kept": is_said_after_the_end(keepTranscript=True),
}
