"""The EventBridge rules: state, schedule and targets."""

from collections.abc import Iterator
from typing import Any

from operations.verify.context import Context
from operations.verify.verdicts import Verdict, differences, right, wrong
from program.inputs import capitalised

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"


def rules(context: Context) -> Iterator[Verdict]:
    """One verdict for each rule that is as declared, and one for each fault."""
    events, repair = context.deployment.client("events"), context.deployment.repair
    for name, inputs in context.declared.named(RULE).items():
        try:
            live = events.describe_rule(Name=name)
        except events.exceptions.ResourceNotFoundException:
            yield wrong(f"rule {name}", "does not exist", repair)
            continue
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        declared = [each for each in context.declared.of(TARGET).values() if each["rule"] == name]
        found = [
            *_rule_faults(name, inputs, live, repair),
            *_target_faults(name, declared, targets, repair),
        ]
        seen = f"{live['State']}, {live.get('ScheduleExpression')}, targets: {len(targets)}"
        yield from found or [right(f"rule {name}", seen)]


def declared_state(inputs: dict[str, Any]) -> str:
    """The declared state; a rule without one is enabled."""
    return inputs.get("state", "ENABLED")


def _rule_faults(
    name: str, inputs: dict[str, Any], live: dict[str, Any], repair: str
) -> Iterator[Verdict]:
    state = declared_state(inputs)
    if live["State"] != state:
        verb = "enable" if state == "ENABLED" else "disable"
        yield wrong(
            f"rule {name}",
            f"is {live['State']}, declared is {state}",
            f"aws events {verb}-rule --name {name}; or {repair}",
        )
    if live.get("ScheduleExpression") != inputs["scheduleExpression"]:
        yield wrong(
            f"rule {name}",
            f"its schedule is {live.get('ScheduleExpression')}, "
            f"declared is {inputs['scheduleExpression']}",
            repair,
        )


def _target_faults(
    rule: str, declared: list[dict[str, Any]], live: list[dict[str, Any]], repair: str
) -> Iterator[Verdict]:
    by_id = {each["Id"]: each for each in live}
    for inputs in declared:
        subject = f"target {inputs['targetId']} of {rule}"
        target = by_id.pop(inputs["targetId"], None)
        if target is None:
            yield wrong(subject, f"is missing: {inputs['arn']} receives nothing", repair)
        elif seen := differences(_shape(inputs), target):
            yield wrong(subject, seen, repair)
    for name in by_id:
        yield wrong(
            f"target {name} of {rule}",
            f"is not declared by the program: {by_id[name]['Arn']}",
            f"aws events remove-targets --rule {rule} --ids {name}",
        )


def _shape(inputs: dict[str, Any]) -> dict[str, Any]:
    """A declared target as EventBridge lists it."""
    kept = {key: value for key, value in inputs.items() if key not in ("rule", "targetId")}
    return capitalised(kept, {"inputPaths": "InputPathsMap"})
