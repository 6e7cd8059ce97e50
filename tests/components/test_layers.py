from pathlib import Path

import pulumi
import pytest

from components.layers import function_layers
from components.layers.function_layers import SHARED, TOKENS, FunctionLayers, FunctionLayersArgs
from components.layers.installation import LayerSource
from components.layers.wheels import Target
from tests.components.engine import Engine

TARGET = Target(runtime="python3.13", architecture="arm64")


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def build(source: LayerSource, target: Target, cache: Path) -> Path:
        archive = tmp_path / f"{source.name}.zip"
        archive.write_bytes(f"{source.name} for {target}".encode())
        return archive

    monkeypatch.setattr(function_layers, "build_layer", build)
    return tmp_path


def test_both_layers_are_made_for_the_configured_python(archives: Path):
    engine = Engine()
    engine.run(lambda: FunctionLayers("layers", FunctionLayersArgs(prefix="live", target=TARGET)))
    made = {each["layerName"]: each for each in engine.inputs("lambda/layerVersion")}
    assert set(made) == {"live-shared", "live-tokens"}
    for label in ("shared", "tokens"):
        layer = made[f"live-{label}"]
        assert layer["compatibleRuntimes"] == ["python3.13"]
        assert layer["compatibleArchitectures"] == ["arm64"]
        archive = archives / f"{label}.zip"
        assert isinstance(layer["code"], pulumi.FileArchive)
        assert layer["code"].path == str(archive)


def test_jwt_code_is_in_the_authorizers_layer_alone():
    assert "pyjwt" not in SHARED.lock.read_text()
    assert "pyjwt" in TOKENS.lock.read_text()
    assert [package.name for package in SHARED.packages] == ["live_sessions"]
    assert TOKENS.packages == ()
