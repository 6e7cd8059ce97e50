"""The functions as they are invoked: version, configuration, code, settings, and log groups."""

from collections.abc import Iterator
from typing import Any

from contract.functions import LIVE
from operations.plan.wording import counted
from operations.verify.checks.function_code import code_verdicts
from operations.verify.checks.function_variables import variables_fault
from operations.verify.checks.function_version import newest_version, version_verdicts
from operations.verify.context import ABSENT, FUNCTION, Context, compare_each
from operations.verify.deployment import setting
from operations.verify.verdicts import Verdict, differences, right, wrong

INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
# Pulumi's value for no reserved concurrency.
UNRESERVED = -1
# A function that was idle for long is Inactive until its next invocation.
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
HEALTHY = {"State": ("Active", "Inactive"), "LastUpdateStatus": ("Successful",)}

LayerVersions = dict[str, dict[str, list[str]]]
"""The functions that use each version of each layer."""


def functions(context: Context) -> Iterator[Verdict]:
    """Compare the version of each function that its alias is on, and each log group.

    After a rollback, an older version serves, of another commit's code. It cannot be changed; what
    the program declares is its function's newest version, so that one is compared.
    """
    declared = context.declared.named(FUNCTION)
    as_declared = 0
    versions: LayerVersions = {}
    for name, inputs in declared.items():
        faults = list(_function_faults(context, name, inputs, versions))
        yield from faults
        as_declared += not faults
    yield from _mixed_layers(context, versions)
    if as_declared:
        yield right("functions", f"{as_declared} as declared")
    if older := [name for name in declared if name in context.chosen_versions]:
        seen = (
            f"{context.chosen_release} serves in {counted(len(older), 'function')}, on versions "
            "that cannot be changed; the newest ones, which an update starts from, are compared"
        )
        yield right("rollback", seen)
    yield from log_groups(context)


def _function_faults(
    context: Context, name: str, inputs: dict[str, Any], versions: LayerVersions
) -> Iterator[Verdict]:
    client, repair = context.deployment.client("lambda"), context.deployment.repair
    subject = f"function {name}"
    qualifier = LIVE if name not in context.chosen_versions else newest_version(client, name)
    try:
        function = client.get_function(FunctionName=name, Qualifier=qualifier)
    except client.exceptions.ResourceNotFoundException:
        yield wrong(subject, f"does not exist, or has no alias {LIVE}", repair)
        return
    live = function["Configuration"]
    for layer in live.get("Layers", []):
        layer_name, version = layer["Arn"].split(":")[6:8]
        versions.setdefault(layer_name, {}).setdefault(version, []).append(name)
    if seen := differences(_declared(context, inputs), _shape(live)):
        yield wrong(subject, seen, repair)
    if seen := variables_fault(context, inputs, live.get("Environment", {})):
        yield wrong(subject, seen, repair)
    yield from code_verdicts(context, subject, inputs, function)
    yield from version_verdicts(context, subject, name)
    # The local cloud and old functions may report neither.
    for key, states in HEALTHY.items():
        state = live.get(key, states[0])
        if state in states:
            continue
        reason = live.get("LastUpdateStatusReason") or live.get("StateReason") or "no reason given"
        seen = f"{key} is {state} ({reason})"
        yield wrong(subject, seen, f"wait a minute and check again; or {repair}")
    reserved = client.get_function_concurrency(FunctionName=name)
    if seen := _concurrency_fault(inputs, reserved.get("ReservedConcurrentExecutions", UNRESERVED)):
        yield wrong(subject, seen, repair)
    for seen in _invoke_config_faults(context, client, name):
        yield wrong(subject, seen, repair)


def _declared(context: Context, inputs: dict[str, Any]) -> dict[str, Any]:
    """The declared configuration, as Lambda reports it.

    Runtime and architecture are not compared on a local cloud, which uses this machine's.
    """
    settings = {
        "Role": inputs["role"],
        "Handler": inputs["handler"],
        "Timeout": inputs["timeout"],
        "MemorySize": inputs["memorySize"],
        "layers": [_layer_name(arn) for arn in inputs.get("layers", [])],
        "tracing": inputs.get("tracingConfig", {}).get("mode", "PassThrough"),
        "snapshots": inputs.get("snapStart", {}).get("applyOn", "None"),
    }
    if context.deployment.is_local:
        return settings
    config = context.deployment.config
    return settings | {
        "Runtime": setting(config, "lambdaRuntime"),
        "Architectures": [setting(config, "lambdaArchitecture")],
    }


def _shape(live: dict[str, Any]) -> dict[str, Any]:
    """The live configuration, with layers by name, because versions differ by deployment."""
    return live | {
        "layers": [_layer_name(layer["Arn"]) for layer in live.get("Layers", [])],
        "tracing": live.get("TracingConfig", {}).get("Mode", "PassThrough"),
        "snapshots": live.get("SnapStart", {}).get("ApplyOn", "None"),
    }


def _mixed_layers(context: Context, versions: LayerVersions) -> Iterator[Verdict]:
    """All functions get the same version of a layer; its number depends on the deployment."""
    for layer, users in versions.items():
        if len(users) > 1:
            seen = "; ".join(
                f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} version {version}"
                for version, names in sorted(users.items())
            )
            yield wrong(f"layer {layer}", seen, context.deployment.repair)


def _layer_name(arn: str) -> str:
    return arn.split(":")[6]


def _concurrency_fault(inputs: dict[str, Any], live: int) -> str:
    declared = inputs.get("reservedConcurrentExecutions", UNRESERVED)
    if live == declared:
        return ""
    if live == 0:
        return f"its reserved concurrency is 0: it never runs; declared is {_concurrency(declared)}"
    return f"its reserved concurrency is {_concurrency(live)}, declared is {_concurrency(declared)}"


def _concurrency(value: int) -> str:
    return "none" if value == UNRESERVED else str(value)


def _invoke_config_faults(context: Context, client: Any, name: str) -> Iterator[str]:
    """Compare retries, maximum age and failure destination, of the function and of its alias."""
    declared = {
        inputs.get("qualifier"): inputs
        for inputs in context.declared.of(INVOKE_CONFIG).values()
        if inputs["functionName"] == name
    }
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName=name)
    live = {
        _qualifier(each["FunctionArn"]): each
        for page in pages
        for each in page["FunctionEventInvokeConfigs"]
    }
    for qualifier in sorted(declared.keys() | live.keys(), key=str):
        by = f" by {qualifier}" if qualifier else ""
        settings = f"settings for asynchronous invocations{by}"
        if qualifier not in live:
            yield f"lacks the declared {settings}"
        elif qualifier not in declared:
            yield f"has {settings}, which the program does not declare"
        elif seen := _invoke_config_differences(declared[qualifier], live[qualifier]):
            yield f"its {settings}: {seen}"


def _qualifier(arn: str) -> str | None:
    """What follows a function's name in its ARN; Lambda writes $LATEST where nothing was given."""
    found = arn.split(":")[7:]
    return found[0] if found and found != ["$LATEST"] else None


def _invoke_config_differences(inputs: dict[str, Any], live: dict[str, Any]) -> str:
    failure = inputs.get("destinationConfig", {}).get("onFailure", {})
    declared = {
        "MaximumRetryAttempts": inputs["maximumRetryAttempts"],
        "MaximumEventAgeInSeconds": inputs["maximumEventAgeInSeconds"],
        "onFailure": failure.get("destination"),
    }
    seen = live.get("DestinationConfig", {}).get("OnFailure", {})
    return differences(declared, live | {"onFailure": seen.get("Destination")})


def log_groups(context: Context) -> Iterator[Verdict]:
    """Compare the retention of each log group."""
    logs = context.deployment.client("logs")

    def fault(name: str, inputs: dict[str, Any]) -> str:
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        found = [
            group for page in pages for group in page["logGroups"] if group["logGroupName"] == name
        ]
        if not found:
            return ABSENT
        # Without a retention, lines are kept forever, which Pulumi writes as 0.
        kept, wanted = found[0].get("retentionInDays", 0), inputs.get("retentionInDays", 0)
        if kept == wanted:
            return ""
        return f"keeps lines {_period(kept)}, declared is {_period(wanted)}"

    return compare_each(
        context, LOG_GROUP, "log group", fault, if_right="keep their lines as long as declared"
    )


def _period(days: int) -> str:
    if not days:
        return "forever"
    return "for a day" if days == 1 else f"for {days} days"
