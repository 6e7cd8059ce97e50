"""Finding what a command is about by its stack's name: a stack on AWS, or a running local cloud."""

from pathlib import Path
from typing import Any

from client.account import Account
from client.running_cloud import CONFIG_OUTPUT, not_running, running_outputs
from operations.verify.deployment import (
    CannotVerify,
    Deployment,
    aws_deployment,
    local_deployment,
)
from operations.verify.options import Options
from operations.verify.stack_outputs import outputs_in, outputs_of_cli
from program.stack_config import (
    CLOUD_STACK,
    LOCAL_STACK,
    committed_stacks,
    local_config,
    stack_config,
)


def deployment_of(options: Options) -> Deployment:
    """Find the deployment; raises CannotVerify and StackConfigError."""
    if is_local(options.stack) and options.outputs is None:
        return _running_cloud(options)
    require_committed(options.stack)
    outputs = outputs_in(options.outputs) if options.outputs else outputs_of_cli(options.stack)
    if "emulatorUrl" in outputs:
        raise CannotVerify(
            f"--outputs {options.outputs} are a local cloud's: pass --stack {LOCAL_STACK} instead, "
            "and --cloud if it is not the first one"
        )
    return aws_deployment(options.stack, outputs, stack_config(options.stack))


def is_local(stack: str) -> bool:
    """Whether a stack of this name is on a local cloud."""
    return stack in (LOCAL_STACK, CLOUD_STACK)


def require_committed(stack: str) -> None:
    """Raises CannotVerify for a stack without a committed config."""
    if stack not in committed_stacks():
        stacks = ", ".join(committed_stacks())
        raise CannotVerify(f"there is no Pulumi.{stack}.yaml: --stack takes {stacks}")


def local_cloud(stack: str, cloud: str | None) -> tuple[Path, dict[str, Any]]:
    """The folder and outputs of `--cloud`, or of the first one with anything deployed.

    Raises CannotVerify if none is running.
    """
    name = cloud or (f".{CLOUD_STACK}" if stack == CLOUD_STACK else None)
    running = running_outputs(name=name)
    if running is None:
        raise CannotVerify(not_running(name))
    return running


def _running_cloud(options: Options) -> Deployment:
    folder, outputs = local_cloud(options.stack, options.cloud)
    account, stack = Account.load(folder), outputs["stack"]
    if stack == LOCAL_STACK:
        config = local_config(
            region=account.region,
            cognito_endpoint=account.url,
            overrides=outputs.get(CONFIG_OUTPUT),
        )
    else:
        config = stack_config(stack)
    return local_deployment(stack, account, outputs, config, folder)
