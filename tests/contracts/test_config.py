"""Each config key is declared, documented and read; stacks set no other."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings import PROJECT, Settings
from components.settings.stack_settings import config_fields
from program.engine import Engine

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def declared_config() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


@functools.cache
def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of each config key, out of the settings' and their records' schemas."""
    whole = Settings.model_json_schema()
    records = [whole, *whole["$defs"].values()]
    return {key: schema for record in records for key, schema in record["properties"].items()}


def test_every_config_key_is_documented_and_every_documented_key_is_read():
    assert declared_config().keys() == config_fields(Settings).keys()


@pytest.mark.parametrize("key", config_fields(Settings))
def test_each_config_key_has_type_default_and_description(key: str):
    declared = declared_config()[key]
    assert declared["type"] == schemas()[key]["type"]
    assert declared["description"].endswith("."), "a description is a sentence"
    default = declared["default"]
    assert isinstance(
        default, {"string": str, "integer": int, "boolean": bool, "array": list}[declared["type"]]
    )
    if declared["type"] == "array":
        assert declared["items"] == {"type": "string"}


def test_the_defaults_are_valid():
    defaults = {f"{PROJECT}:{key}": each["default"] for key, each in declared_config().items()}
    as_text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in defaults.items()}
    Engine().run(Settings.load, config=as_text)


def test_stack_configs_set_declared_keys_alone():
    for path in ROOT.glob("Pulumi.*.yaml"):
        config = yaml.safe_load(path.read_text())["config"]
        assert {key.removeprefix("live-sessions:") for key in config} <= declared_config().keys()


def test_production_is_protected_by_default():
    defaults = {key: each["default"] for key, each in declared_config().items()}
    assert defaults["deletionProtection"] is True
    assert defaults["pointInTimeRecovery"] is True
    assert defaults["allowPasswordAuthentication"] is False
    assert defaults["logRetentionDays"] == 1
