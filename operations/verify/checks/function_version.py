"""A function's alias, and the versions behind it: what serves, and what would serve next.

Versions cannot be changed. A change by hand goes into $LATEST and serves no one, but the next
deployment would publish it; and an alias can be moved by hand.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contract.functions import LIVE
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, wrong

LATEST = "$LATEST"
# What a version keeps of $LATEST, by its name in GetFunctionConfiguration.
PUBLISHED = {
    "CodeSha256": "code",
    "Handler": "handler",
    "Runtime": "runtime",
    "Architectures": "architecture",
    "MemorySize": "memory",
    "Timeout": "timeout",
    "Role": "role",
    "Environment": "variables",
    "Layers": "layers",
    "TracingConfig": "tracing",
}


def version_verdicts(context: Context, subject: str, function: str) -> Iterator[Verdict]:
    """Check what the alias of an existing function is on, and $LATEST; nothing if all is right."""
    client, repair = context.deployment.client("lambda"), context.deployment.repair
    alias = client.get_alias(FunctionName=function, Name=LIVE)
    newest = newest_version(client, function)
    if shares := alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        seen = f"its alias {LIVE} also sends to version {', '.join(sorted(shares))}"
        yield wrong(subject, seen, repair)
    expected = context.chosen_versions.get(function, newest)
    if (served := alias["FunctionVersion"]) != expected:
        seen = f"its alias {LIVE} is on version {served}, expected is {expected}"
        way_out = f"{repair}; or go back to a release, with every function: make rollback"
        yield wrong(subject, seen, way_out)
    # Wherever the alias is: the next deployment starts from $LATEST.
    published = client.get_function_configuration(FunctionName=function, Qualifier=newest)
    latest = client.get_function_configuration(FunctionName=function)
    if different := list(_different(published, latest)):
        seen = f"{LATEST} has other {', '.join(different)} than the newest version, {newest}"
        undone = repair
        if context.deployment.is_made_by_pulumi and PUBLISHED["CodeSha256"] in different:
            commands = [_code_undone(function, newest), *([repair] if len(different) > 1 else [])]
            undone = " && ".join(commands)
        reason = "it was changed by hand, and the next deployment may publish it"
        yield wrong(subject, seen, f"{reason}: {undone}")


def _code_undone(function: str, version: str) -> str:
    """The command that gives $LATEST a version's code, which Pulumi's refresh does not compare."""
    return (
        f'curl -o /tmp/code.zip "$(aws lambda get-function --function-name {function} '
        f'--qualifier {version} --query Code.Location --output text)" && '
        f"aws lambda update-function-code --function-name {function} --zip-file fileb:///tmp/code.zip"
    )


def newest_version(client: Any, function: str) -> str:
    """The newest published version; `$LATEST` if there is none."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = (each["Version"] for page in pages for each in page["Versions"])
    return str(max((int(each) for each in versions if each != LATEST), default=LATEST))


def _different(published: Mapping[str, Any], latest: Mapping[str, Any]) -> Iterator[str]:
    for key, words in PUBLISHED.items():
        if _shape(key, published) != _shape(key, latest):
            yield words


def _shape(key: str, configuration: Mapping[str, Any]) -> Any:
    """The value, without sizes and signatures of layers."""
    if key == "Layers":
        return [each["Arn"] for each in configuration.get("Layers", [])]
    return configuration.get(key)
