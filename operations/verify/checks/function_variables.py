"""A function's environment variables, compared with what the program sets."""

from collections.abc import Mapping
from typing import Any

from operations.verify.context import Context

USER_POOL = "aws:cognito/userPool:UserPool"
USER_POOL_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
# Resources whose id AWS assigns, and the stack's output with it.
IDS_IN_OUTPUTS = {USER_POOL: "userPoolId", USER_POOL_CLIENT: "userPoolClientId"}


def variables_fault(context: Context, inputs: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """The names of variables that differ; never their values, which may be secret. "" if none."""
    if "Error" in live:
        return f"its environment cannot be read: {live['Error'].get('ErrorCode')}"
    declared = inputs.get("environment", {}).get("variables", {})
    found = live.get("Variables", {})
    others = [
        name
        for name in sorted(declared.keys() & found.keys())
        if not _agrees(context, declared[name], found[name])
    ]
    faults = (
        ("lacks the variable", sorted(declared.keys() - found.keys())),
        ("has the undeclared variable", sorted(found.keys() - declared.keys())),
        ("has a value other than declared in", others),
    )
    return "; ".join(f"{fault} {', '.join(names)}" for fault, names in faults if names)


def _agrees(context: Context, declared: str, live: str) -> bool:
    """Whether a live value is the declared one, as far as this can be known.

    An emulator has URLs of its own, and some ids of AWS are in no output.
    """
    expected = _with_known_ids(context, declared)
    if expected == live or context.declared.has_made_up_id(expected):
        return True
    emulator = context.deployment.outputs.get("emulatorUrl")
    return emulator is not None and live.startswith(emulator)


def _with_known_ids(context: Context, text: str) -> str:
    for token, output in IDS_IN_OUTPUTS.items():
        for name in context.declared.of(token):
            text = text.replace(f"{name}-id", str(context.deployment.outputs.get(output, "")))
    return text
