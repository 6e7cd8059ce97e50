"""A run that cannot start exits with 2 and says what to do."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from client.account import Account
from client.running_cloud import CONFIG_OUTPUT
from operations.verify import finding, stack_outputs
from operations.verify.__main__ import main
from operations.verify.deployment import CannotVerify, api_id_of
from operations.verify.options import options_of
from program.stack_config import CLOUD_STACK, LOCAL_STACK

OUTPUTS = {
    "websocketUrl": "wss://live.example.com",
    "managementEndpoint": "https://abcde12345.execute-api.eu-central-1.amazonaws.com/staging",
    "speakerIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc",
}


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--json"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    return written.err


def file_of(folder: Path, content: object) -> str:
    path = folder / "outputs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_an_unknown_stack_is_reported_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "no Pulumi.moon.yaml: --stack takes local, " in refusal(capsys, "--stack", "moon")


def test_without_a_running_cloud_the_message_says_how_to_start_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "running_outputs", lambda name: None)
    assert "`make run`" in refusal(capsys)


def test_a_run_with_config_of_its_own_is_verified_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account("http://127.0.0.1:1", "us-east-1", "000000000000", "AKIA1", "secret").save(tmp_path)
    outputs = {"stack": LOCAL_STACK, CONFIG_OUTPUT: {"audioSlots": 7}}
    monkeypatch.setattr(finding, "running_outputs", lambda name: (tmp_path, outputs))
    monkeypatch.setattr(finding, "local_deployment", lambda *given: given)
    _, _, _, config, _ = cast(Any, finding.deployment_of(options_of([])))
    assert config["live-sessions:audioSlots"] == "7"


def test_a_cloud_that_pulumi_has_deployed_is_verified_with_its_own_stack_and_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account("http://127.0.0.1:1", "us-east-1", "000000000000", "AKIA1", "secret").save(tmp_path)
    found: list[str | None] = []

    def running(name: str | None) -> tuple[Path, dict[str, str]]:
        found.append(name)
        return tmp_path, {"stack": CLOUD_STACK}

    monkeypatch.setattr(finding, "running_outputs", running)

    def config_of(stack: str) -> dict[str, str]:
        return {"config": stack}

    def given(*arguments: object) -> tuple[object, ...]:
        return arguments

    monkeypatch.setattr(finding, "stack_config", config_of)
    monkeypatch.setattr(finding, "local_deployment", given)
    for arguments in ([], ["--stack", CLOUD_STACK], ["--cloud", ".local-cloud"]):
        stack, _, _, config, folder = cast(Any, finding.deployment_of(options_of(arguments)))
        assert (stack, config, folder) == (CLOUD_STACK, {"config": CLOUD_STACK}, tmp_path)
    assert found == [None, ".local-cloud", ".local-cloud"]


def test_without_outputs_and_pulumi_cli_the_message_says_how_to_pass_outputs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_outputs.shutil, "which", lambda name: None)
    assert "--outputs FILE" in refusal(capsys, "--stack", "staging")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "not a JSON object"),
        ([], "not a JSON object"),
        ({"websocketUrl": "wss://x"}, "has no managementEndpoint, speakerIssuer"),
        (
            {**OUTPUTS, "websocketUrl": "https://live.example.com?token=eyJ"},
            "has 'https://live.example.com' for websocketUrl, which must begin with ws:// or wss://",
        ),
        (
            {**OUTPUTS, "managementEndpoint": "abcde12345.execute-api.eu-central-1.amazonaws.com"},
            "for managementEndpoint, which must begin with http:// or https://",
        ),
        ({**OUTPUTS, "emulatorUrl": "http://127.0.0.1:1"}, "--stack local"),
    ],
)
def test_invalid_outputs_are_reported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: object, message: str
) -> None:
    path = file_of(tmp_path, content)
    assert message in refusal(capsys, "--stack", "staging", "--outputs", path)


def test_a_missing_file_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refusal(capsys, "--stack", "staging", "--outputs", str(tmp_path / "none.json"))
    assert "none.json cannot be read: No such file or directory" in message


def test_without_aws_credentials_the_message_says_how_to_sign_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    path = file_of(tmp_path, OUTPUTS)
    assert "sign in as for `pulumi up`" in refusal(capsys, "--stack", "staging", "--outputs", path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "weather"], "invalid choice: 'weather'"),
        (["--intervals", "0"], "'0' is not a number from 1 to 100"),
        (["--expired-token-file", "/nowhere"], "/nowhere cannot be read"),
    ],
)
def test_invalid_arguments_are_reported(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_api_id_is_found_behind_a_custom_domain_and_in_a_local_cloud() -> None:
    assert api_id_of(OUTPUTS) == "abcde12345"
    local = "http://127.0.0.1:4566/_aws/execute-api/26d1d842/live"
    assert api_id_of({"managementEndpoint": local}) == "26d1d842"
    with pytest.raises(CannotVerify, match="names no API"):
        api_id_of({"managementEndpoint": "https://live.example.com/live"})
