"""The log groups: there, and lines kept as long as declared."""

from collections.abc import Iterator
from typing import Any

from operations.verify.one_by_one import ABSENT, one_by_one
from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def log_groups(scene: Scene) -> Iterator[Verdict]:
    logs = scene.deployment.client("logs")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        found = [
            group for page in pages for group in page["logGroups"] if group["logGroupName"] == name
        ]
        if not found:
            return ABSENT
        # Without a retention lines are kept for ever, which Pulumi writes as 0.
        kept, wanted = found[0].get("retentionInDays", 0), inputs.get("retentionInDays", 0)
        if kept == wanted:
            return ""
        return f"keeps lines {_told(kept)}, declared is {_told(wanted)}"

    return one_by_one(
        scene, LOG_GROUP, "log group", fault, if_right="keep their lines as long as declared"
    )


def _told(days: int) -> str:
    if not days:
        return "for ever"
    return "for a day" if days == 1 else f"for {days} days"
