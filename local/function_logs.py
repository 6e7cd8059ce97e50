"""The functions' log lines in CloudWatch Logs, formatted for people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Fields of a structured line that are shown first, or are of no use here.
NOT_DETAILS = frozenset(
    {
        "cold_start",
        "function_arn",
        "function_memory_size",
        "function_name",
        "function_request_id",
        "level",
        "location",
        "message",
        "service",
        "stack_trace",
        "timestamp",
        "xray_trace_id",
    }
)
LAMBDA_OWN = ("INIT_START", "START RequestId", "END RequestId", "REPORT RequestId")


@dataclass(frozen=True)
class LogLine:
    """One log event; `timestamp_ms` is epoch milliseconds, `stream` the log stream's name."""

    stream: str
    timestamp_ms: int
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The line's JSON object; empty for plain text."""
        try:
            parsed = json.loads(self.text)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def is_of_lambda(self) -> bool:
        """Whether Lambda wrote it, such as START and REPORT."""
        return self.text.startswith(LAMBDA_OWN)

    @property
    def is_metrics(self) -> bool:
        """Whether it is in the embedded metric format."""
        return "_aws" in self.fields

    def for_people(self, entry: str) -> str:
        """`12:30:01.250  connection      INFO   connected  role=listener`."""
        clock = datetime.fromtimestamp(self.timestamp_ms / 1000).strftime("%H:%M:%S.%f")[:-3]
        fields = self.fields
        if not fields:
            return f"{clock}  {entry:<14}         {self.text.rstrip()}"
        details = "  ".join(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in fields.items()
            if key not in NOT_DETAILS
        )
        level, message = fields.get("level", ""), fields.get("message", "")
        return f"{clock}  {entry:<14}  {level:<7}{message}  {details}".rstrip()


def read_log(logs: Any, log_group: str, since_ms: int = 0) -> list[LogLine]:
    """Return a log group's lines since `since_ms`, oldest first; `logs` is a boto3 client."""
    return sorted(_events(logs, log_group, since_ms), key=lambda line: line.timestamp_ms)


def _events(logs: Any, log_group: str, since_ms: int) -> Iterator[LogLine]:
    request: dict[str, Any] = {"logGroupName": log_group, "startTime": since_ms}
    while True:
        page = logs.filter_log_events(**request)
        for event in page["events"]:
            yield LogLine(event["logStreamName"], event["timestamp"], event["message"])
        if not page.get("nextToken"):
            return
        request["nextToken"] = page["nextToken"]
