"""A stack's config as the Pulumi CLI would pass it to the program."""

import json
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# In C where PyYAML has it, which is eight times as fast.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ROOT = Path(__file__).resolve().parents[1]
LOCAL_STACK = "local"
# The stack that the Pulumi CLI makes on `make cloud`. Git ignores its Pulumi.local-cloud.yaml.
CLOUD_STACK = "local-cloud"
CLOUD_CONFIG_HEAD = f"""\
# The stack on `make cloud`, which writes this file: first Pulumi.{LOCAL_STACK}.yaml, then what
# `pulumi config set` has put here, then what this machine decides. Git ignores it.
"""


class StackConfigError(ValueError):
    """Pulumi.<stack>.yaml is invalid; the message is one line with the file's name and line."""


def project(root: Path | None = None) -> dict[str, Any]:
    """The content of Pulumi.yaml, here or in another checkout."""
    text = ((root or ROOT) / "Pulumi.yaml").read_text()
    return yaml.load(text, _Loader)  # noqa: S506 - one of the safe loaders


def committed_stacks(root: Path | None = None) -> list[str]:
    """The names of the stacks with a Pulumi.<stack>.yaml, here or in another checkout.

    Without the stack on `make cloud`, whose file differs from machine to machine.
    """
    files = (root or ROOT).glob("Pulumi.*.yaml")
    names = (re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name) for path in files)
    return sorted(name[1] for name in names if name and name[1] != CLOUD_STACK)


def stack_config(
    stack: str, overrides: Mapping[str, Any] | None = None, root: Path | None = None
) -> dict[str, str]:
    """A stack's whole config as the engine passes it: `live-sessions:key` to text or JSON.

    Pulumi.yaml's defaults, overridden by Pulumi.<stack>.yaml and then by `overrides`, whose keys
    have no prefix; here or in another checkout. Raises `StackConfigError`.
    """
    declared = project(root)
    prefix = f"{declared['name']}:"
    values = {f"{prefix}{key}": each["default"] for key, each in declared["config"].items()}
    for key, value in _config_in((root or ROOT) / f"Pulumi.{stack}.yaml").items():
        values[key if ":" in key else f"{prefix}{key}"] = value
    for key, value in (overrides or {}).items():
        values[f"{prefix}{key}"] = value
    return {key: _as_text(value) for key, value in values.items()}


def recorded_config(
    stack: str, overrides: Mapping[str, Any] | None = None, root: Path | None = None
) -> dict[str, str]:
    """As `stack_config`, for a run that records and uploads nothing, on whatever Python.

    Lambda's layers are built without bytecode then: only the Python of `lambdaRuntime` can make it.
    """
    config = stack_config(stack, overrides, root)
    prefix = f"{project(root)['name']}:"
    bytecode = f"{prefix}layerBytecode"
    if bytecode in config and config.get(f"{prefix}layerPlatform") != "host":
        config[bytecode] = "false"
    return config


def local_config(
    *, region: str, cognito_endpoint: str, overrides: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The local stack's config, with the settings that depend on this machine and this run.

    `cognito_endpoint` is the emulator's URL. Raises `StackConfigError`.
    """
    this_run = emulated_settings(region=region, cognito_endpoint=cognito_endpoint)
    return stack_config(LOCAL_STACK, {**this_run, **(overrides or {})})


def write_cloud_config(*, region: str, cognito_endpoint: str, root: Path | None = None) -> Path:
    """Write the file of the stack on `make cloud`, and return its path.

    It holds what Pulumi.local.yaml does, then what it held before, such as what `pulumi config set`
    has put there, then what this machine decides. Raises `StackConfigError`.
    """
    here = root or ROOT
    path, prefix = here / f"Pulumi.{CLOUD_STACK}.yaml", f"{project(here)['name']}:"
    before = _mapping_in(path) if path.exists() else {}
    decided = emulated_settings(region=region, cognito_endpoint=cognito_endpoint)
    config = {
        **_config_in(here / f"Pulumi.{LOCAL_STACK}.yaml"),
        **(_config_in(path) if path.exists() else {}),
        **{f"{prefix}{key}": value for key, value in decided.items()},
    }
    text = CLOUD_CONFIG_HEAD + yaml.safe_dump({**before, "config": config}, sort_keys=False)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.rename(path)
    return path


def emulated_settings(*, region: str, cognito_endpoint: str) -> dict[str, str]:
    """The settings, by key without prefix, that depend on this machine and its emulator's URL."""
    return {**host_settings(), "region": region, "cognitoEndpoint": cognito_endpoint}


def host_settings() -> dict[str, str]:
    """The settings, by key without prefix, with which functions and layers run on this machine."""
    machine = platform.machine().lower()
    return {
        "layerPlatform": "host",
        "lambdaRuntime": host_runtime(),
        # The same mapping as in components.layers, which must not be imported here: `make plan`
        # runs other revisions, whose `components` have to be imported instead of this one's.
        "lambdaArchitecture": {"aarch64": "arm64", "amd64": "x86_64"}.get(machine, machine),
    }


def host_runtime() -> str:
    """This Python's version as a Lambda runtime, such as `python3.12`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def _config_in(path: Path) -> dict[str, Any]:
    """The `config` mapping of a stack's file; empty if the file is."""
    return {str(key): value for key, value in _mapping_in(path).get("config", {}).items()}


def _mapping_in(path: Path) -> dict[str, Any]:
    """The content of a stack's file, whose `config`, if it has one, is a mapping."""
    try:
        text = path.read_text()
        tree, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise StackConfigError(f"{path.name}: cannot be read: {_reason(error)}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise StackConfigError(f"{path.name}{line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise StackConfigError(f"{path.name}: {_reason(error)}") from None
    if tree is None or content is None:
        return {}
    if not isinstance(content, dict):
        raise StackConfigError(f"{_place(path, tree)}: must be a mapping with the key config")
    config = content.get("config")
    if config is None:
        return {**content, "config": {}}
    if not isinstance(config, dict):
        node = next(value for key, value in tree.value if key.value == "config")
        raise StackConfigError(f"{_place(path, node)}: config must be a mapping of keys to values")
    return content


def _place(path: Path, node: yaml.Node) -> str:
    return f"{path.name}, line {node.start_mark.line + 1}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
