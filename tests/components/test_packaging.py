import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.layers import installation
from components.layers.installation import LayerBuildError, LayerSource
from components.layers.packaging import build_layer
from components.layers.wheels import Target, host_architecture
from tests.patience import PATIENCE_SECONDS

HERE = Target(runtime=f"python3.{sys.version_info[1]}", architecture=host_architecture())
ELSEWHERE = Target(runtime="python3.99", architecture="arm64")


class Shelf:
    """A folder of wheels made here, and locks that name them: no network takes part."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.folder = folder
        self.cache = folder / "cache"

    def add(self, name: str, tag: str = "py3-none-any", recorded: str | None = None) -> str:
        """Makes a wheel and returns its line for a lock; `recorded`: the tag in its records."""
        path = self.wheels / f"{name}-1.0-{tag}.whl"
        info = f"{name}-1.0.dist-info"
        about = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {recorded or tag}\n"
        files = {
            f"{name}/__init__.py": b"VALUE = 1\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": about.encode(),
            f"{info}/entry_points.txt": f"[console_scripts]\n{name}-run = {name}:run\n".encode(),
        }
        with zipfile.ZipFile(path, "w") as wheel:
            for place, content in files.items():
                wheel.writestr(place, content)
            lines = [f"{place},{_record_hash(each)},{len(each)}" for place, each in files.items()]
            wheel.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]))
        return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"

    def source(self, *lock: str, packages: tuple[Path, ...] = ()) -> LayerSource:
        path = self.folder / "lock.txt"
        path.write_text("\n".join(lock))
        return LayerSource(name="shared", lock=path, packages=packages)

    def package(self) -> Path:
        package = self.folder / "live_things"
        (package / "__pycache__").mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("ANSWER = 42\n")
        (package / "__pycache__" / "old.cpython-311.pyc").write_bytes(b"stale")
        return package


def _record_hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return shelf


def names(archive: Path) -> list[str]:
    return zipfile.ZipFile(archive).namelist()


def test_a_layer_holds_what_the_lock_lists_and_our_own_packages(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    assert names(build_layer(source, ELSEWHERE, shelf.cache)) == [
        "python/live_things/__init__.py",
        "python/thing-1.0.dist-info/METADATA",
        "python/thing-1.0.dist-info/WHEEL",
        "python/thing-1.0.dist-info/entry_points.txt",
        "python/thing/__init__.py",
    ]


def test_the_same_inputs_give_the_same_bytes_at_another_time_and_place_and_umask(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    first = build_layer(source, HERE, shelf.cache)
    (shelf.package() / "__init__.py").touch()
    umask = os.umask(0o077)
    try:
        second = build_layer(source, HERE, shelf.folder / "another" / "cache")
    finally:
        os.umask(umask)
    assert first.read_bytes() == second.read_bytes()
    assert first.name == second.name
    entries = zipfile.ZipFile(first).infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_bytecode_ships_only_for_this_interpreters_own_minor_version(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    compiled = [name for name in names(build_layer(source, HERE, shelf.cache)) if "pyc" in name]
    cached = f"__init__.cpython-3{sys.version_info[1]}.pyc"
    assert compiled == [
        f"python/live_things/__pycache__/{cached}",
        f"python/thing/__pycache__/{cached}",
    ]
    assert not [n for n in names(build_layer(source, ELSEWHERE, shelf.cache)) if "pyc" in n]


def test_bytecode_is_never_checked_against_its_source(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    layer = zipfile.ZipFile(build_layer(source, HERE, shelf.cache))
    (compiled, *_) = [name for name in layer.namelist() if name.endswith(".pyc")]
    # https://peps.python.org/pep-0552/: hash-based, without the flag to check the source.
    assert int.from_bytes(layer.read(compiled)[4:8], "little") == 0b01


def test_the_layer_can_be_imported(shelf: Shelf, tmp_path: Path):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    zipfile.ZipFile(build_layer(source, HERE, shelf.cache)).extractall(tmp_path / "opt")
    code = "import live_things, thing; print(live_things.ANSWER, thing.VALUE)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path / "opt" / "python")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert done.stdout.split() == ["42", "1"]


def test_a_layer_is_built_once_for_the_same_inputs(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    source = shelf.source(shelf.add("thing"))
    built = build_layer(source, ELSEWHERE, shelf.cache)
    monkeypatch.setattr(installation.sys, "executable", "/nowhere/python")
    assert build_layer(source, ELSEWHERE, shelf.cache) == built


def test_an_edit_of_our_own_code_makes_a_new_layer_without_pip(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    package = shelf.package()
    source = shelf.source(shelf.add("thing"), packages=(package,))
    before = build_layer(source, ELSEWHERE, shelf.cache)
    (package / "__init__.py").write_text("ANSWER = 43\n")
    monkeypatch.setattr(installation.sys, "executable", "/nowhere/python")
    after = build_layer(source, ELSEWHERE, shelf.cache)
    assert after != before
    assert zipfile.ZipFile(after).read("python/live_things/__init__.py") == b"ANSWER = 43\n"


@pytest.mark.parametrize(
    "target",
    [
        Target(runtime="python3.98", architecture="arm64"),
        Target(runtime="python3.99", architecture="x86_64"),
    ],
    ids=str,
)
def test_another_runtime_or_architecture_is_another_layer(shelf: Shelf, target: Target):
    source = shelf.source(shelf.add("thing"))
    one = build_layer(source, ELSEWHERE, shelf.cache)
    assert build_layer(source, target, shelf.cache) != one


def test_a_package_with_the_wrong_hash_is_refused(shelf: Shelf):
    shelf.add("thing")
    source = shelf.source(f"thing==1.0 --hash=sha256:{'0' * 64}")
    with pytest.raises(LayerBuildError, match=r"(?s)Layer shared for python3\.99.*hash"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_package_with_no_wheel_for_the_runtime_is_refused_by_name(shelf: Shelf):
    source = shelf.source(shelf.add("thing", "cp39-cp39-manylinux_2_17_x86_64"))
    with pytest.raises(LayerBuildError, match=r"(?s)Layer shared .* thing==1\.0"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_an_installed_wheel_that_would_not_load_is_refused_by_name_and_tag(shelf: Shelf):
    tag = "cp312-cp312-manylinux_2_17_x86_64"
    source = shelf.source(shelf.add("thing", recorded=tag))
    with pytest.raises(LayerBuildError, match=rf"(?s)thing-1\.0 .*{tag}; wanted: python3\.99 on"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_failed_build_leaves_nothing_behind(shelf: Shelf):
    source = shelf.source(f"missing==1.0 --hash=sha256:{'0' * 64}")
    with pytest.raises(LayerBuildError):
        build_layer(source, ELSEWHERE, shelf.cache)
    assert list(shelf.cache.iterdir()) == []


def test_pip_that_hangs_is_given_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installation, "PIP_TIMEOUT_SECONDS", 0)
    with pytest.raises(LayerBuildError, match="took more than 0 s"):
        build_layer(shelf.source(shelf.add("thing")), ELSEWHERE, shelf.cache)


def test_a_missing_lock_or_package_is_named(shelf: Shelf):
    source = LayerSource(name="shared", lock=shelf.folder / "nothing.txt")
    with pytest.raises(LayerBuildError, match=r"needs nothing\.txt"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_host_layer_for_another_python_is_refused(shelf: Shelf):
    target = Target(runtime="python3.99", architecture="arm64", is_host=True)
    with pytest.raises(LayerBuildError, match="layerPlatform host needs lambdaRuntime"):
        build_layer(shelf.source(shelf.add("thing")), target, shelf.cache)
