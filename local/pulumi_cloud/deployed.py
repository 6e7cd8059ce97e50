"""What the Pulumi CLI has deployed on a cloud: its outputs, as soon as they change."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.pulumi_cloud.kept_folder import pulumi_backend
from local.pulumi_cloud.shell import UNSET
from program.stack_config import CLOUD_STACK

CLI_TIMEOUT_SECONDS = 60.0
# Without it, there is nothing for clients to connect to: the first `pulumi up` is not finished.
FIRST_OUTPUT = "websocketUrl"

Outputs = dict[str, Any]


class CannotReadOutputs(Exception):
    """The message says why, and what to do."""


class Deployed:
    """Follows the outputs of the stack `local-cloud` in the cloud's own Pulumi backend.

    `variables` are those of the Pulumi CLI, `project` is the folder of Pulumi.yaml.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], project: Path) -> None:
        self._backend = pulumi_backend(folder)
        self._project = project
        host = {name: value for name, value in os.environ.items() if name not in UNSET}
        self._environment = {**host, **variables, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        self._read_ns = self._seen_ns = 0
        self.outputs: Outputs | None = None

    def has_changed(self) -> bool:
        """Whether `outputs` are others than at the last call; None if nothing is deployed.

        Pulumi writes its state after each step of an update, so it is read once it has been the
        same at two calls. Raises CannotReadOutputs, once for each change.
        """
        written_ns = self._written_ns()
        is_settled, self._seen_ns = written_ns == self._seen_ns, written_ns
        if not is_settled or written_ns == self._read_ns:
            return False
        self._read_ns = written_ns
        before, self.outputs = self.outputs, self._read() if written_ns else None
        return self.outputs != before

    def _written_ns(self) -> int:
        """When the stack's state was last written; 0 if there is no such stack."""
        times = [0]
        for path in self._backend.glob(f".pulumi/stacks/*/{CLOUD_STACK}.json*"):
            try:
                times.append(path.stat().st_mtime_ns)
            except FileNotFoundError:  # Pulumi is replacing it
                continue
        return max(times)

    def _read(self) -> Outputs | None:
        pulumi = shutil.which("pulumi")
        if pulumi is None:
            raise CannotReadOutputs(
                "the stack has changed, but there is no pulumi on the PATH of `make cloud` to read "
                "its outputs: start `make cloud` with the PATH on which you use it"
            )
        command = [pulumi, "stack", "output", "--json", "--non-interactive", "--stack", CLOUD_STACK]
        try:
            answer = subprocess.run(
                command,
                cwd=self._project,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=CLI_TIMEOUT_SECONDS,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise CannotReadOutputs(f"the stack's outputs cannot be read: {error.stderr}") from None
        except subprocess.TimeoutExpired as error:
            raise CannotReadOutputs(f"the stack's outputs cannot be read: {error}") from None
        outputs: Outputs = json.loads(answer.stdout)
        return outputs if FIRST_OUTPUT in outputs else None
