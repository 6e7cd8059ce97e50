from pathlib import Path

import pytest

from client.account import Account


def test_the_local_clouds_clients_ignore_the_shells_aws_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    account = Account("http://127.0.0.1:1", "us-east-1", "000000000000", "AKIA", "secret")
    client = account.client("sqs")
    assert client.meta.region_name == "us-east-1"
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
