"""A stack's outputs, from a file or from the Pulumi CLI."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from operations.verify.deployment import CannotVerify

REQUIRED = ("websocketUrl", "managementEndpoint", "speakerIssuer")
SCHEMES = {"websocketUrl": ("ws://", "wss://"), "managementEndpoint": ("http://", "https://")}
CLI_TIMEOUT_SECONDS = 120


def outputs_in(path: Path) -> dict[str, Any]:
    """Read the outputs from a file; raises CannotVerify."""
    try:
        text = path.read_text()
    except OSError as error:
        raise CannotVerify(f"--outputs {path} cannot be read: {error.strerror}") from None
    return _outputs(text, f"--outputs {path}")


def outputs_of_cli(stack: str) -> dict[str, Any]:
    """Read the outputs with `pulumi stack output`; raises CannotVerify."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise CannotVerify(
            f"the outputs of {stack} are unknown, because the Pulumi CLI is not installed: install "
            "it, or pass the output of `pulumi stack output --json` with --outputs FILE"
        )
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--stack", stack]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=CLI_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotVerify(
            f"`{' '.join(command[1:])}` timed out after {CLI_TIMEOUT_SECONDS} s"
        ) from None
    if answer.returncode:
        raise CannotVerify(f"the Pulumi CLI did not return the outputs of {stack}: {answer.stderr}")
    return _outputs(answer.stdout, "the output of the Pulumi CLI")


def _outputs(text: str, source: str) -> dict[str, Any]:
    try:
        outputs = json.loads(text)
    except ValueError:
        outputs = None
    if not isinstance(outputs, dict):
        raise CannotVerify(
            f"{source} is not a JSON object: pass the output of `pulumi stack output --json`"
        )
    missing = [name for name in REQUIRED if not isinstance(outputs.get(name), str)]
    if missing:
        raise CannotVerify(
            f"{source} has no {', '.join(missing)}: "
            "pass the whole output of `pulumi stack output --json`"
        )
    for name, schemes in SCHEMES.items():
        if not outputs[name].startswith(schemes):
            begins = outputs[name].partition("?")[0]
            raise CannotVerify(
                f"{source} has {begins!r} for {name}, which must begin with "
                f"{' or '.join(schemes)}: pass the output of `pulumi stack output --json`"
            )
    return outputs
