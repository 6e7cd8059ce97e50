import json
import zipfile
from pathlib import Path

import pulumi
from pulumi.runtime import rpc

from operations.plan.recording import ARCHIVE, ASSET, SECRET, json_value


def write_zip(path: Path, files: dict[str, str]) -> pulumi.FileArchive:
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
    return pulumi.FileArchive(str(path))


def test_an_archive_is_compared_by_content_and_not_by_path(tmp_path: Path):
    files = {"a.py": "1", "b/c.py": "2"}
    one = json_value(write_zip(tmp_path / "one.zip", files))
    two = json_value(write_zip(tmp_path / "two.zip", dict(reversed(files.items()))))
    assert one == two
    assert list(one[ARCHIVE]) == ["a.py", "b/c.py"]
    assert str(tmp_path) not in json.dumps(one)
    assert json_value(write_zip(tmp_path / "three.zip", {**files, "a.py": "3"})) != one


def test_a_folder_is_treated_as_an_archive(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b" / "c.py").write_text("2")
    zipped = write_zip(tmp_path.with_suffix(".zip"), {"a.py": "1", "b/c.py": "2"})
    assert json_value(pulumi.FileArchive(str(tmp_path))) == json_value(zipped)


def test_bytecode_is_ignored(tmp_path: Path):
    with_bytecode = write_zip(tmp_path / "a.zip", {"a.py": "1", "__pycache__/a.pyc": "x"})
    assert list(json_value(with_bytecode)[ARCHIVE]) == ["a.py"]


def test_an_archive_of_assets_lists_each_asset(tmp_path: Path):
    file = tmp_path / "handler.py"
    file.write_text("code")
    inner = write_zip(tmp_path / "inner.zip", {"x.py": "1"})
    archive = pulumi.AssetArchive(
        {"handler.py": pulumi.FileAsset(str(file)), "s": pulumi.StringAsset("code"), "in": inner}
    )
    files = json_value({"code": archive})["code"][ARCHIVE]
    assert files.keys() == {"handler.py", "s", "in/x.py"}
    assert files["handler.py"] == files["s"] != files["in/x.py"]
    assert json_value(pulumi.StringAsset("code")) == {ASSET: files["s"]}


def test_whole_floats_become_integers_and_booleans_stay():
    assert json.dumps(json_value({"a": 3.0, "b": 0.5, "c": True, "d": None})) == (
        '{"a": 3, "b": 0.5, "c": true, "d": null}'
    )


def test_a_secret_is_hidden():
    found = json_value({"password": rpc.wrap_rpc_secret("hunter2"), "user": "me"})
    assert found == {"password": SECRET, "user": "me"}
