from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.deployer import DeployError
from program.stack_config import (
    StackConfigError,
    committed_stacks,
    host_settings,
    recorded_config,
    stack_config,
    write_cloud_config,
)


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


@pytest.mark.parametrize(("platform", "bytecode"), [("lambda", "false"), ("host", "true")])
def test_a_run_that_only_records_needs_no_bytecode_for_lambda(
    project: Path, platform: str, bytecode: str
) -> None:
    (project / "Pulumi.local.yaml").write_text(
        f"config:\n  p:layerPlatform: {platform}\n  p:layerBytecode: true\n"
    )
    assert stack_config("local")["p:layerBytecode"] == "true"
    assert recorded_config("local")["p:layerBytecode"] == bytecode


def test_a_program_without_the_bytecode_key_gets_none(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_text("")
    assert recorded_config("local") == {"p:size": "1"}


def test_a_missing_file_is_reported_by_name() -> None:
    with pytest.raises(StackConfigError, match=r"^Pulumi\.local\.yaml: .*No such file"):
        stack_config("local")


def test_a_malformed_file_fails_the_deployment_without_a_traceback(
    project: Path, tmp_path: Path
) -> None:
    (project / "Pulumi.local.yaml").write_text("- p:size\n")
    with pytest.raises(DeployError, match=r"^Pulumi\.local\.yaml, line 1: "):
        LocalCloud(tmp_path / "cloud").start()


URL = "http://127.0.0.1:4566"
DECIDED = {
    **{f"p:{key}": value for key, value in host_settings().items()},
    "p:region": "us-east-1",
    "p:cognitoEndpoint": URL,
}


def write_cloud(url: str = URL) -> Path:
    return write_cloud_config(region="us-east-1", cognito_endpoint=url)


def test_the_stack_on_make_cloud_has_the_local_config_and_what_the_machine_decides(
    project: Path,
) -> None:
    (project / "Pulumi.local.yaml").write_text("config:\n  p:size: 2\n  p:lambdaRuntime: old\n")
    assert write_cloud() == project / "Pulumi.local-cloud.yaml"
    assert stack_config("local-cloud") == {"p:size": "2", **DECIDED}
    assert committed_stacks() == ["local"]


def test_what_pulumi_has_put_into_that_file_stays_and_what_the_machine_decides_does_not(
    project: Path,
) -> None:
    (project / "Pulumi.local.yaml").write_text("config:\n  p:size: 2\n  p:new: 1\n")
    (project / "Pulumi.local-cloud.yaml").write_text(
        "encryptionsalt: v1:salt\nconfig:\n  p:size: 3\n  p:cognitoEndpoint: http://127.0.0.1:1\n"
    )
    path = write_cloud()
    assert stack_config("local-cloud") == {"p:size": "3", "p:new": "1", **DECIDED}
    assert "encryptionsalt: v1:salt" in path.read_text()
    before = path.read_text()
    assert write_cloud().read_text() == before
    assert sorted(each.name for each in project.glob("Pulumi.*")) == [
        "Pulumi.local-cloud.yaml",
        "Pulumi.local.yaml",
        "Pulumi.yaml",
    ]


def test_a_malformed_file_of_that_stack_is_reported_and_left_as_it_is(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_text("")
    (project / "Pulumi.local-cloud.yaml").write_text("config: 3\n")
    with pytest.raises(StackConfigError, match=r"^Pulumi\.local-cloud\.yaml, line 1: "):
        write_cloud()
    assert (project / "Pulumi.local-cloud.yaml").read_text() == "config: 3\n"
