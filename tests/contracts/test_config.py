"""Each config key is declared, documented and read; stacks set no other."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings.config_fields import checks_by_key
from components.settings.stack_settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def declared_config() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


def test_every_config_key_is_documented_and_every_documented_key_is_read():
    assert declared_config().keys() == checks_by_key(Settings).keys()


@pytest.mark.parametrize("key", checks_by_key(Settings))
def test_each_config_key_has_type_default_and_description(key: str):
    declared = declared_config()[key]
    check = checks_by_key(Settings)[key][1]
    assert declared["type"] == check.config_type
    assert declared["description"].endswith("."), "a description is a sentence"
    default = declared["default"]
    assert isinstance(
        default, {"string": str, "integer": int, "boolean": bool, "array": list}[declared["type"]]
    )
    check.read(default if isinstance(default, str) else json.dumps(default))
    if declared["type"] == "array":
        assert declared["items"] == {"type": "string"}


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
