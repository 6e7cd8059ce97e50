from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.deployer import DeployError
from program.stack_config import StackConfigError, stack_config


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Pulumi.yaml, in which the test writes a Pulumi.local.yaml."""
    (tmp_path / "Pulumi.yaml").write_text("name: p\nconfig:\n  size:\n    default: 1\n")
    monkeypatch.setattr("program.stack_config.ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "config:\n", "encryptionsalt: v1\n"])
def test_a_file_without_config_leaves_the_defaults(project: Path, text: str) -> None:
    (project / "Pulumi.local.yaml").write_text(text)
    assert stack_config("local") == {"p:size": "1"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("config:\n  p:size: [1\n", ", line 3: "),
        ("config:\n\tp:size: 1\n", ", line 2: "),
        ("config:\n  p:size: 1\n p:name: x\n", ", line 3: "),
        ("# a list\n- p:size\n", ", line 2: must be a mapping"),
        ("just words\n", ", line 1: must be a mapping"),
        ("# size\nconfig: 3\n", ", line 2: config must be a mapping"),
        ("config:\n  - p:size\n", ", line 2: config must be a mapping"),
        ("config: \x00\n", ": special characters are not allowed"),
    ],
)
def test_a_malformed_file_is_reported_in_one_line_with_its_line_number(
    project: Path, text: str, place: str
) -> None:
    (project / "Pulumi.local.yaml").write_text(text)
    with pytest.raises(StackConfigError) as raised:
        stack_config("local")
    assert str(raised.value).startswith(f"Pulumi.local.yaml{place}")
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_reported_by_name() -> None:
    with pytest.raises(StackConfigError, match=r"^Pulumi\.local\.yaml: .*No such file"):
        stack_config("local")


def test_a_malformed_file_fails_the_deployment_without_a_traceback(
    project: Path, tmp_path: Path
) -> None:
    (project / "Pulumi.local.yaml").write_text("- p:size\n")
    with pytest.raises(DeployError, match=r"^Pulumi\.local\.yaml, line 1: "):
        LocalCloud(tmp_path / "cloud").start()
