"""The log groups: there, and lines kept as long as declared."""

from collections.abc import Iterator

from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict, right, wrong

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def log_groups(scene: Scene) -> Iterator[Verdict]:
    logs, repair = scene.deployment.client("logs"), scene.deployment.repair
    declared = scene.declared.named(LOG_GROUP)
    as_declared = 0
    for name, inputs in declared.items():
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        found = [
            group for page in pages for group in page["logGroups"] if group["logGroupName"] == name
        ]
        subject = f"log group {name}"
        if not found:
            yield wrong(subject, "does not exist", repair)
            continue
        # Without a retention lines are kept for ever, which Pulumi writes as 0.
        kept, wanted = found[0].get("retentionInDays", 0), inputs.get("retentionInDays", 0)
        if kept != wanted:
            yield wrong(subject, f"keeps lines {_told(kept)}, declared is {_told(wanted)}", repair)
        else:
            as_declared += 1
    if as_declared:
        yield right("log groups", f"{as_declared} keep their lines as long as declared")


def _told(days: int) -> str:
    if not days:
        return "for ever"
    return "for a day" if days == 1 else f"for {days} days"
