"""The functions as they are configured, what becomes of failed calls, and their log groups."""

from collections.abc import Iterator
from typing import Any

from operations.verify.checks.log_groups import log_groups
from operations.verify.deployment import setting
from operations.verify.scene import FUNCTION, Scene
from operations.verify.verdicts import Verdict, differences, right, wrong

INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
# Pulumi's word for no concurrency of one's own.
UNRESERVED = -1
# One that was idle for long is Inactive until its next invocation.
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
IN_ORDER = {"State": ("Active", "Inactive"), "LastUpdateStatus": ("Successful",)}


def functions(scene: Scene) -> Iterator[Verdict]:
    declared = scene.declared.named(FUNCTION)
    as_declared = 0
    for name, inputs in declared.items():
        faults = list(_function_faults(scene, name, inputs))
        yield from faults
        as_declared += not faults
    if as_declared:
        yield right("functions", f"{as_declared} as declared")
    yield from log_groups(scene)


def _function_faults(scene: Scene, name: str, inputs: dict[str, Any]) -> Iterator[Verdict]:
    client, repair = scene.deployment.client("lambda"), scene.deployment.repair
    subject = f"function {name}"
    try:
        function = client.get_function(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        yield wrong(subject, "does not exist", repair)
        return
    live = function["Configuration"]
    if seen := differences(_declared(scene, inputs), _shape(live)):
        yield wrong(subject, seen, repair)
    if seen := _environment_fault(scene, inputs, live.get("Environment", {})):
        yield wrong(subject, seen, repair)
    # The local cloud and old functions may tell neither.
    for key, states in IN_ORDER.items():
        state = live.get(key, states[0])
        if state in states:
            continue
        reason = live.get("LastUpdateStatusReason") or live.get("StateReason") or "no reason told"
        seen = f"{key} is {state} ({reason})"
        yield wrong(subject, seen, f"wait a minute and look again; or {repair}")
    reserved = function.get("Concurrency", {}).get("ReservedConcurrentExecutions", UNRESERVED)
    if seen := _concurrency_fault(inputs, reserved):
        yield wrong(subject, seen, repair)
    if seen := _invoke_config_fault(scene, client, name):
        yield wrong(subject, seen, repair)


def _declared(scene: Scene, inputs: dict[str, Any]) -> dict[str, Any]:
    """As Lambda tells it. The local cloud has this machine's Python and processor."""
    settings = {
        "Role": inputs["role"],
        "Handler": inputs["handler"],
        "Timeout": inputs["timeout"],
        "MemorySize": inputs["memorySize"],
        "layers": [_layer_name(arn) for arn in inputs.get("layers", [])],
        "tracing": inputs.get("tracingConfig", {}).get("mode", "PassThrough"),
    }
    if scene.deployment.is_local:
        return settings
    config = scene.deployment.config
    return settings | {
        "Runtime": setting(config, "lambdaRuntime"),
        "Architectures": [setting(config, "lambdaArchitecture")],
    }


def _shape(live: dict[str, Any]) -> dict[str, Any]:
    """A layer's version is of this deployment alone."""
    return live | {
        "layers": [_layer_name(layer["Arn"]) for layer in live.get("Layers", [])],
        "tracing": live.get("TracingConfig", {}).get("Mode", "PassThrough"),
    }


def _layer_name(arn: str) -> str:
    return arn.split(":")[6]


def _environment_fault(scene: Scene, inputs: dict[str, Any], environment: dict[str, Any]) -> str:
    """Which variables are others; no value is told, for nobody knows what was put there."""
    if "Error" in environment:
        return f"its environment cannot be read: {environment['Error'].get('ErrorCode')}"
    declared = inputs.get("environment", {}).get("variables", {})
    live = environment.get("Variables", {})
    others = [
        name
        for name in sorted(declared.keys() & live.keys())
        if scene.declared.is_known(declared[name]) and declared[name] != live[name]
    ]
    found = (
        ("lacks the variable", sorted(declared.keys() - live.keys())),
        ("has the undeclared variable", sorted(live.keys() - declared.keys())),
        ("has another value than declared in", others),
    )
    return "; ".join(f"{fault} {', '.join(names)}" for fault, names in found if names)


def _concurrency_fault(inputs: dict[str, Any], live: int) -> str:
    declared = inputs.get("reservedConcurrentExecutions", UNRESERVED)
    if live == declared:
        return ""
    if live == 0:
        return f"its reserved concurrency is 0: it never runs; declared is {_concurrency(declared)}"
    return f"its reserved concurrency is {_concurrency(live)}, declared is {_concurrency(declared)}"


def _concurrency(value: int) -> str:
    return "none" if value == UNRESERVED else str(value)


def _invoke_config_fault(scene: Scene, client: Any, name: str) -> str:
    """Retries, age and destination of asynchronous calls."""
    [inputs] = [
        each for each in scene.declared.of(INVOKE_CONFIG).values() if each["functionName"] == name
    ] or [None]
    try:
        live = client.get_function_event_invoke_config(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return "has no settings for asynchronous calls, though declared" if inputs else ""
    if inputs is None:
        return "has settings for asynchronous calls, which the program does not declare"
    failure = inputs.get("destinationConfig", {}).get("onFailure", {})
    declared = {
        "MaximumRetryAttempts": inputs["maximumRetryAttempts"],
        "MaximumEventAgeInSeconds": inputs["maximumEventAgeInSeconds"],
        "onFailure": failure.get("destination"),
    }
    seen = live.get("DestinationConfig", {}).get("OnFailure", {})
    return differences(declared, live | {"onFailure": seen.get("Destination")})
