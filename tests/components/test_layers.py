import re
from pathlib import Path

import pulumi
import pytest
from packaging.markers import Marker

from components.layers import function_layers
from components.layers.function_layers import (
    HANDLERS,
    SHARED,
    STREAMING,
    TOKENS,
    FunctionLayers,
    FunctionLayersArgs,
)
from components.layers.packaging import LayerSource
from components.layers.target import Target
from program.engine import Engine

TARGET = Target(runtime="python3.13", architecture="arm64")


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def build(source: LayerSource, target: Target, cache: Path) -> Path:
        archive = tmp_path / f"{source.name}.zip"
        archive.write_bytes(f"{source.name} for {target}".encode())
        return archive

    monkeypatch.setattr(function_layers, "build_layer", build)
    return tmp_path


def test_all_layers_are_made_for_the_configured_python(archives: Path):
    engine = Engine()
    engine.run(lambda: FunctionLayers("layers", FunctionLayersArgs(prefix="live", target=TARGET)))
    made = {each["layerName"]: each for each in engine.inputs("lambda/layerVersion")}
    assert set(made) == {"live-shared", "live-tokens", "live-streaming"}
    for label in ("shared", "tokens", "streaming"):
        layer = made[f"live-{label}"]
        assert layer["compatibleRuntimes"] == ["python3.13"]
        assert layer["compatibleArchitectures"] == ["arm64"]
        archive = archives / f"{label}.zip"
        assert isinstance(layer["code"], pulumi.FileArchive)
        assert layer["code"].path == str(archive)


def test_jwt_code_is_in_the_authorizers_layer_alone():
    assert "pyjwt" not in SHARED.lock.read_text()
    assert "pyjwt" in TOKENS.lock.read_text()
    assert [package.name for package in SHARED.packages] == ["contract", "live_sessions"]
    assert TOKENS.packages == ()


def test_the_websocket_client_is_in_the_audio_processors_layer_alone_in_the_tested_version():
    assert "websockets" not in SHARED.lock.read_text()
    assert STREAMING.packages == ()
    tested = (HANDLERS.parent / "requirements-dev.txt").read_text()
    (pinned,) = re.findall(r"(?m)^\S+==\S+", STREAMING.lock.read_text())
    assert pinned.startswith("websockets==")
    assert f"\n{pinned} " in tested


@pytest.mark.parametrize("source", [SHARED, TOKENS, STREAMING], ids=lambda source: source.name)
@pytest.mark.parametrize("version", ["3.11", "3.14"])
def test_the_committed_locks_apply_as_a_whole_to_every_runtime(source: LayerSource, version: str):
    lambdas = {
        "implementation_name": "cpython",
        "platform_machine": "aarch64",
        "platform_python_implementation": "CPython",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }
    pinned = re.findall(r"(?m)^\S+==\S+(?: ; (.+))? \\$", source.lock.read_text())
    assert pinned
    assert all(Marker(marker).evaluate(lambdas) for marker in pinned if marker)
