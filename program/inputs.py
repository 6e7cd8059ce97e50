"""Resource inputs as the engine receives them, and as an AWS API request or response has them."""

from collections.abc import Mapping
from typing import Any

from pulumi.runtime import rpc

# Inputs whose keys are the user's own, not parameter names of the API.
FREE_FORM_MAPS = frozenset(
    {
        "dimensions",
        "inputPaths",
        "requestModels",
        "requestParameters",
        "requestTemplates",
        "responseModels",
        "responseParameters",
        "responseTemplates",
        "stageVariables",
        "tags",
        "triggers",
        "variables",
    }
)


def plain(value: Any) -> Any:
    """Return a deserialised Pulumi value with secrets unwrapped and whole numbers as int."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def capitalised(value: Any, renamed: Mapping[str, str] | None = None) -> Any:
    """Return the value with every camelCase key as CamelCase, as AWS APIs name parameters.

    `renamed` maps the keys that the API names differently. Keys inside FREE_FORM_MAPS stay as they
    are.
    """
    renamed = renamed or {}
    if isinstance(value, Mapping):
        return {
            renamed.get(key, key[:1].upper() + key[1:]): (
                dict(item) if key in FREE_FORM_MAPS else capitalised(item, renamed)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [capitalised(item, renamed) for item in value]
    return value
