"""`python -m operations.verify`: finds the deployment, runs the checks and prints the results."""

import sys
import time

from components.layers import LayerBuildError
from components.settings import SettingsError
from components.web_pages import PagesBuildError
from operations.verify.deployment import CannotVerify
from operations.verify.finding import deployment_of
from operations.verify.interruptions import ending_on_signals
from operations.verify.options import options_of
from operations.verify.report import exit_status, write_json, write_table
from operations.verify.verification import verify
from program.stack_config import StackConfigError

COULD_NOT_RUN = 2
INTERRUPTED = 130
NOT_STARTED = (CannotVerify, StackConfigError, SettingsError, LayerBuildError, PagesBuildError)


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
    except NOT_STARTED as error:
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


if __name__ == "__main__":
    sys.exit(main())
