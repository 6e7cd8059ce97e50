"""The service's limits; a test may shorten how long a connection idles and lives.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

import os

MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
MAX_TIMEOUT_MILLISECONDS = 29_000
IDLE_SECONDS = float(os.environ.get("EMULATOR_IDLE_SECONDS", "600"))
LIFETIME_SECONDS = float(os.environ.get("EMULATOR_LIFETIME_SECONDS", "7200"))
