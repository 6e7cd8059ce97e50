"""The demo's scenes, one after the other."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import ConnectionClosed

from client.people import Participants
from client.sockets import FrameMissing, HandshakeRefused
from local.demo.session_scenes import session_from_start_to_end, session_with_a_lost_speaker
from local.demo.speech_scene import speech_with_captions
from local.demo.stage import Stage

# The one with periodic statuses last: a fresh rule's first tick is a minute away.
SCENES: tuple[Callable[[Stage, Participants], None], ...] = (
    session_with_a_lost_speaker,
    speech_with_captions,
    session_from_start_to_end,
)

INTERRUPTIONS = (FrameMissing, HandshakeRefused, ConnectionClosed, BotoCoreError, ClientError)


def play(stage: Stage, outputs: Mapping[str, Any]) -> None:
    """Play all scenes; one that misses something ends there, and the next is played."""
    for scene in SCENES:
        try:
            with Participants(outputs, on_frame=stage.received) as people:
                scene(stage, people)
        except INTERRUPTIONS as error:
            stage.happened("demo", f"this scene cannot go on: {error}")
