"""`make demo`: scripted live sessions over real sockets, one with a speech.

It uses the local cloud that is running here, or starts one. Exit code 0 if everything expected was
seen, 1 if not, 130 if it was interrupted.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import ConnectionClosed

from client.people import Participants
from client.running_cloud import running_outputs
from client.sockets import FrameMissing, HandshakeRefused
from local.cloud import LocalCloud
from local.demo.session_scenes import session_from_start_to_end, session_with_a_lost_speaker
from local.demo.speech_scene import speech_with_captions, transcript_of_the_speech
from local.demo.stage import Stage
from local.deployer import DeployError
from local.emulator.process import EmulatorError
from local.serving import Ended, ending_on_signals
from local.state_folder import StateFolder

# The scene with periodic statuses is late, since a new rule's first tick is a minute away; and the
# transcript of the speech is last, since it is written minutes after the speech.
SCENES: tuple[Callable[[Stage, Participants], None], ...] = (
    session_with_a_lost_speaker,
    speech_with_captions,
    session_from_start_to_end,
    transcript_of_the_speech,
)

INTERRUPTIONS = (FrameMissing, HandshakeRefused, ConnectionClosed, BotoCoreError, ClientError)


def main() -> int:
    stage = Stage()
    try:
        with ending_on_signals(), _outputs(stage) as outputs:
            play(stage, outputs)
    except Ended:
        return 130
    except (DeployError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if stage.checklist() else 1


def play(stage: Stage, outputs: Mapping[str, Any]) -> None:
    """Play all scenes; one that fails ends there, and the next one is played."""
    stage.keeps_transcripts = "transcripts" in outputs.get("functionNames", {})
    for scene in SCENES:
        try:
            with Participants(outputs, on_frame=stage.received) as people:
                scene(stage, people)
        except INTERRUPTIONS as error:
            stage.happened("demo", f"this scene cannot continue: {error}")


@contextmanager
def _outputs(stage: Stage) -> Iterator[Mapping[str, Any]]:
    running = running_outputs()
    if running:
        folder, outputs = running
        stage.heading(f"Using the local cloud of {folder.name}/")
        yield outputs
        return
    stage.heading("Starting a local cloud")
    with StateFolder.claim() as folder, LocalCloud(folder.path) as cloud:
        stage.happened("cloud", f"ready at {cloud.outputs['websocketUrl']}")
        yield cloud.outputs


if __name__ == "__main__":
    sys.exit(main())
