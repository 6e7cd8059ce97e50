"""`python -m operations.verify`: finds the deployment, runs the checks and prints the results."""

import sys
import time

from client.account import Account
from client.running_cloud import not_running, running_outputs
from components.settings import SettingsError
from operations.verify.deployment import (
    CannotVerify,
    Deployment,
    aws_deployment,
    local_deployment,
)
from operations.verify.interruptions import ending_on_signals
from operations.verify.options import Options, options_of
from operations.verify.report import exit_status, write_json, write_table
from operations.verify.stack_outputs import outputs_in, outputs_of_cli
from operations.verify.verification import verify
from program.stack_config import (
    CLOUD_STACK,
    LOCAL_STACK,
    StackConfigError,
    committed_stacks,
    local_config,
    stack_config,
)

COULD_NOT_RUN = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 1, 2, or 130 after Ctrl-C."""
    options = options_of(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

    try:
        with ending_on_signals():
            deployment = deployment_of(options)
            rows = verify(deployment, options, say)
    except (CannotVerify, StackConfigError, SettingsError) as error:
        print(f"not verified: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        print("interrupted; everything that the run created is removed", file=sys.stderr)
        return INTERRUPTED
    if options.as_json:
        write_json(deployment.stack, rows, sys.stdout)
    else:
        write_table(rows, sys.stdout)
    return exit_status(rows)


def deployment_of(options: Options) -> Deployment:
    """Find the deployment; raises CannotVerify and StackConfigError."""
    if options.stack in (LOCAL_STACK, CLOUD_STACK) and options.outputs is None:
        return _running_cloud(options)
    if options.stack not in committed_stacks():
        stacks = ", ".join(committed_stacks())
        raise CannotVerify(f"there is no Pulumi.{options.stack}.yaml: --stack takes {stacks}")
    outputs = outputs_in(options.outputs) if options.outputs else outputs_of_cli(options.stack)
    if "emulatorUrl" in outputs:
        raise CannotVerify(
            f"--outputs {options.outputs} are a local cloud's: pass --stack {LOCAL_STACK} instead, "
            "and --cloud if it is not the first one"
        )
    return aws_deployment(options.stack, outputs, stack_config(options.stack))


def _running_cloud(options: Options) -> Deployment:
    """The cloud of `--cloud`, or the first one with anything deployed, whatever has deployed it."""
    name = options.cloud or (f".{CLOUD_STACK}" if options.stack == CLOUD_STACK else None)
    running = running_outputs(name=name)
    if running is None:
        raise CannotVerify(not_running(name))
    folder, outputs = running
    account, stack = Account.load(folder), outputs["stack"]
    if stack == LOCAL_STACK:
        config = local_config(region=account.region, cognito_endpoint=account.url)
    else:
        config = stack_config(stack)
    return local_deployment(stack, account, outputs, config, folder)


if __name__ == "__main__":
    sys.exit(main())
