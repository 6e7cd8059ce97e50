"""`make demo`: scripted live sessions over real sockets, one with a speech.

It takes part in the local cloud that is running here, or starts one of its own. Exit code 0 if all
went as it should, 1 if not, 130 if it was interrupted.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from client.running_cloud import running_outputs
from local.cloud import LocalCloud
from local.demo.play import play
from local.demo.stage import Stage
from local.deployer import DeployError
from local.emulator.process import EmulatorError
from local.run import Ended, ending_on_signals
from local.state_folder import StateFolder


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
