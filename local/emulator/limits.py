"""AWS's limits that the emulator applies, and what a slow machine may change about them.

`EMULATOR_LEAST_TIME_LIMIT_SECONDS` (0 without it) raises every time limit of a function or an
integration that is shorter. What the APIs report stays as declared; only the moment at which the
emulator gives up changes. On AWS a limit measures the program; on a laptop whose cores are busy it
measures the laptop, and cuts work that is not at fault. A function's own variable of that name
takes precedence over the emulator's.

`EMULATOR_IDLE_SECONDS` and `EMULATOR_LIFETIME_SECONDS` set how long a connection may be idle and
may live, for tests of what happens then.
"""

import os
from collections.abc import Mapping

# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
MAX_URL_CHARACTERS = 4_096
MAX_INTEGRATION_MILLISECONDS = 29_000
IDLE_SECONDS = float(os.environ.get("EMULATOR_IDLE_SECONDS", "600"))
LIFETIME_SECONDS = float(os.environ.get("EMULATOR_LIFETIME_SECONDS", "7200"))
AUTHORIZER_SECONDS = 30

# Set by process.py.
LEAST_TIME_LIMIT_VARIABLE = "EMULATOR_LEAST_TIME_LIMIT_SECONDS"


def least_time_limit_seconds(function_variables: Mapping[str, str]) -> int:
    """The shortest time limit that applies to a function with these environment variables."""
    return int({**os.environ, **function_variables}.get(LEAST_TIME_LIMIT_VARIABLE, "0"))
