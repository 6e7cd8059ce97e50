"""A stack's outputs: of a file, of the Pulumi CLI, or of the running local cloud."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from operations.verify.deployment import CannotVerify

REQUIRED = ("websocketUrl", "managementEndpoint", "userPoolId", "userPoolClientId")
SCHEMES = {"websocketUrl": ("ws://", "wss://"), "managementEndpoint": ("http://", "https://")}
CLI_TIMEOUT_SECONDS = 120


def outputs_in(path: Path) -> dict[str, Any]:
    """Raises CannotVerify."""
    try:
        text = path.read_text()
    except OSError as error:
        raise CannotVerify(f"--outputs {path} cannot be read: {error.strerror}") from None
    return _outputs(text, f"--outputs {path}")


def outputs_of_cli(stack: str) -> dict[str, Any]:
    """What `pulumi stack output` says; raises CannotVerify."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise CannotVerify(
            f"the outputs of {stack} are not known: there is no Pulumi CLI here to ask; install "
            "it, or hand them over by --outputs FILE, made by `pulumi stack output --json`"
        )
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--stack", stack]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=CLI_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotVerify(
            f"`{' '.join(command[1:])}` did not end within {CLI_TIMEOUT_SECONDS} s"
        ) from None
    if answer.returncode:
        raise CannotVerify(f"the Pulumi CLI does not tell {stack}'s outputs: {answer.stderr}")
    return _outputs(answer.stdout, "what the Pulumi CLI told")


def _outputs(text: str, source: str) -> dict[str, Any]:
    try:
        outputs = json.loads(text)
    except ValueError:
        outputs = None
    if not isinstance(outputs, dict):
        raise CannotVerify(
            f"{source} is no JSON object: it takes that of `pulumi stack output --json`"
        )
    missing = [name for name in REQUIRED if not isinstance(outputs.get(name), str)]
    if missing:
        raise CannotVerify(
            f"{source} has no {', '.join(missing)}: it takes all of `pulumi stack output --json`"
        )
    for name, schemes in SCHEMES.items():
        if not outputs[name].startswith(schemes):
            begins = outputs[name].partition("?")[0]
            raise CannotVerify(
                f"{source} has {begins!r} for {name}, which must begin with "
                f"{' or '.join(schemes)}: it takes all of `pulumi stack output --json`"
            )
    return outputs
