"""`make cloud`: serve the local cloud, with nothing deployed, until Ctrl-C or SIGTERM.

What is deployed on it is kept until the next start. The exit code is 0 after a signal.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from client.running_cloud import PROJECT_ROOT
from local.alarms import evaluate_alarms
from local.emulator.process import EmulatorError
from local.outputs import OutputsFile
from local.pulumi_cloud.deployed import CannotReadOutputs, Deployed
from local.pulumi_cloud.kept_folder import KeptFolder
from local.pulumi_cloud.shell import pulumi_variables, write_env_file
from local.services import Services
from local.serving import AlarmReports, Ended, ending_on_signals, say, shown
from program.stack_config import CLOUD_STACK, StackConfigError, write_cloud_config

WATCH_SECONDS = 0.5


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 if the start failed, or a process ended by itself."""
    options = _options(arguments)
    try:
        with ending_on_signals(), KeptFolder.claim(port=options.port) as folder:
            serve(folder, options.least_time_limit_seconds)
    except Ended:
        say("ended; what is deployed is kept for the next `make cloud`")
        return 0
    except (EmulatorError, StackConfigError) as error:
        say(str(error))
        return 1
    return 0


def serve(folder: KeptFolder, least_time_limit_seconds: int) -> None:
    """Run until `Ended` is raised; raises EmulatorError if a process ends by itself."""
    started = time.monotonic()
    if folder.was_emptied:
        say("the last run ended without saving its state: this cloud and its stack start empty")
    with Services(
        folder.path,
        continued=folder.continued,
        least_time_limit_seconds=least_time_limit_seconds,
    ) as services:
        account = services.account
        config = write_cloud_config(region=account.region, cognito_endpoint=account.url)
        env_file = write_env_file(folder.path, account)
        outputs = OutputsFile(folder.path, account, CLOUD_STACK)
        outputs.withdraw()
        try:
            services.speech.wait_until_ready()
            say(f"ready in {time.monotonic() - started:.1f} s: AWS {account.url} (Ctrl-C ends)")
            say(usage(shown(env_file), shown(config)))
            watch(services, folder.path, outputs)
        finally:
            outputs.withdraw()
            env_file.unlink(missing_ok=True)


def watch(services: Services, folder: Path, outputs: OutputsFile) -> None:
    """Publish the outputs of what is deployed, and evaluate the alarms, until a process ends."""
    deployed = Deployed(folder, pulumi_variables(folder, services.account), PROJECT_ROOT)
    alarms = AlarmReports(partial(evaluate_alarms, services.account.client("cloudwatch")))
    while (ending := services.ending()) is None:
        time.sleep(WATCH_SECONDS)
        alarms.print_if_due()
        try:
            if deployed.has_changed():
                publish(deployed, outputs)
        except (CannotReadOutputs, BotoCoreError, ClientError) as error:
            say(str(error))
    say(ending)
    raise EmulatorError("the cloud ended; what was deployed since its start is lost")


def publish(deployed: Deployed, outputs: OutputsFile) -> None:
    """Write or remove outputs.json, and print what changed."""
    if deployed.outputs is None:
        outputs.withdraw()
        say("nothing is deployed")
        return
    published = outputs.publish(deployed.outputs)
    say(f"deployed: sockets {published['websocketUrl']} · outputs {shown(outputs.path)}")


def usage(env_file: str, config: str) -> str:
    """Return what to type in another shell."""
    return (
        f"in other shells, with the Pulumi CLI:\n"
        f"    source {env_file}\n"
        f"    pulumi stack select --create {CLOUD_STACK}\n"
        f"    pulumi up\n"
        f"{config} has the config of this stack; `pulumi config set` changes it"
    )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.pulumi_cloud", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        metavar="PORT",
        help="the port of an empty cloud (default: the first free one from 4566 on); kept from "
        "then on",
    )
    parser.add_argument(
        "--least-time-limit-seconds",
        type=int,
        default=0,
        metavar="SECONDS",
        help="raise shorter time limits of functions, integrations and AWS calls, for a machine "
        "that is slow or busy (default: as declared)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
