import base64
import hashlib
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.layers import LayerBuildError, Target, host_architecture, packaging
from components.layers.packaging import LayerSource, build_layer
from tests.patience import PATIENCE_SECONDS

HERE = Target(runtime=f"python3.{sys.version_info[1]}", architecture=host_architecture())
WITH_BYTECODE = replace(HERE, bytecode=True)
ELSEWHERE = Target(runtime="python3.99", architecture="arm64")
ARM_313 = Target(runtime="python3.13", architecture="arm64")
NO_HASH = "0" * 64


class Shelf:
    """A folder of wheels made here, and locks that name them: no network takes part."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.folder = folder
        self.cache = folder / "cache"

    def add(self, name: str, tag: str = "py3-none-any", needs: str = "") -> str:
        """Makes a wheel and returns its line for a lock; `needs`: the package it depends on."""
        path = self.wheels / f"{name}-1.0-{tag}.whl"
        info = f"{name}-1.0.dist-info"
        about = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        metadata += f"Requires-Dist: {needs}\n" if needs else ""
        files = {
            f"{name}/__init__.py": b"VALUE = 1\n",
            f"{info}/METADATA": metadata.encode(),
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
    config = tmp_path / "uv.toml"
    config.write_text(
        f"no-index = true\nfind-links = ['{shelf.wheels}']\ncache-dir = '{tmp_path / 'uv-cache'}'\n"
    )
    monkeypatch.setenv("UV_CONFIG_FILE", str(config))
    return shelf


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, uv is given no time."""
    return lambda: monkeypatch.setattr(packaging, "UV_TIMEOUT_SECONDS", 0)


@pytest.fixture
def time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets this process's time zone until the end of the test."""

    def set_to(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_to
    monkeypatch.undo()
    time.tzset()


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


@pytest.mark.parametrize("target", [ELSEWHERE, WITH_BYTECODE], ids=str)
def test_the_same_inputs_give_the_same_bytes_at_another_time_and_place_and_umask(
    shelf: Shelf, target: Target, time_zone: Callable[[str], None]
):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    first = build_layer(source, target, shelf.cache)
    changed = shelf.package() / "__init__.py"
    changed.chmod(0o755)
    os.utime(changed, (2_000_000_000, 2_000_000_000))
    time_zone("Pacific/Kiritimati")
    umask = os.umask(0o077)
    try:
        second = build_layer(source, target, shelf.folder / "another" / "cache")
    finally:
        os.umask(umask)
    assert first.read_bytes() == second.read_bytes()
    assert first.name == second.name


def test_no_entry_says_when_by_whom_or_with_which_zlib_it_was_made(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    entries = zipfile.ZipFile(build_layer(source, ELSEWHERE, shelf.cache)).infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr for entry in entries} == {0o100644 << 16}
    assert {entry.create_system for entry in entries} == {3}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    places = [entry.filename for entry in entries]
    assert places == sorted(places)


def test_what_only_this_machine_has_is_left_out(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    clean = build_layer(source, ELSEWHERE, shelf.cache)
    for stray in (".DS_Store", "__init__.py~", ".__init__.py.swp"):
        (shelf.package() / stray).write_text("stray")
    assert build_layer(source, ELSEWHERE, shelf.folder / "another").read_bytes() == (
        clean.read_bytes()
    )


def test_a_layer_without_bytecode_is_the_same_from_every_python(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    here = build_layer(source, ELSEWHERE, shelf.cache)
    monkeypatch.setattr(sys, "version", "3.98.1 (another builder)")
    monkeypatch.setattr(sys, "version_info", (3, 98, 1, "final", 0))
    there = build_layer(source, ELSEWHERE, shelf.folder / "another")
    assert there.name == here.name
    assert there.read_bytes() == here.read_bytes()


def test_bytecode_is_refused_to_a_builder_with_another_python(shelf: Shelf):
    target = Target(runtime="python3.99", architecture="arm64", bytecode=True)
    with pytest.raises(
        LayerBuildError,
        match=r"layerBytecode needs a builder with python3\.99, .* or set layerBytecode to false",
    ):
        build_layer(shelf.source(shelf.add("thing")), target, shelf.cache)
    assert not shelf.cache.exists()


def test_bytecode_ships_only_if_it_is_asked_for(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    layer = build_layer(source, WITH_BYTECODE, shelf.cache)
    compiled = [name for name in names(layer) if "pyc" in name]
    cached = f"__init__.cpython-3{sys.version_info[1]}.pyc"
    assert compiled == [
        f"python/live_things/__pycache__/{cached}",
        f"python/thing/__pycache__/{cached}",
    ]
    assert not [n for n in names(build_layer(source, HERE, shelf.cache)) if "pyc" in n]


def test_bytecode_is_never_checked_against_its_source(shelf: Shelf):
    source = shelf.source(shelf.add("thing"), packages=(shelf.package(),))
    layer = zipfile.ZipFile(build_layer(source, WITH_BYTECODE, shelf.cache))
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


def test_a_layer_is_built_once_for_the_same_inputs(shelf: Shelf, without_uv: Callable[[], None]):
    source = shelf.source(shelf.add("thing"))
    built = build_layer(source, ELSEWHERE, shelf.cache)
    without_uv()
    assert build_layer(source, ELSEWHERE, shelf.cache) == built


def test_an_edit_of_our_own_code_makes_a_new_layer_without_uv(
    shelf: Shelf, without_uv: Callable[[], None]
):
    package = shelf.package()
    source = shelf.source(shelf.add("thing"), packages=(package,))
    before = build_layer(source, ELSEWHERE, shelf.cache)
    (package / "__init__.py").write_text("ANSWER = 43\n")
    without_uv()
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
    source = shelf.source(f"thing==1.0 --hash=sha256:{NO_HASH}")
    with pytest.raises(LayerBuildError, match=r"(?s)Layer shared for python3\.99.*Hash mismatch"):
        build_layer(source, ELSEWHERE, shelf.cache)


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "cp313-cp313-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux2014_aarch64",
        "cp311-abi3-manylinux_2_34_aarch64",
        "cp313-none-any",
        "cp313-cp313-manylinux_2_39_aarch64.manylinux_2_17_aarch64",
    ],
)
def test_a_wheel_that_loads_on_the_runtime_is_taken(shelf: Shelf, tag: str):
    source = shelf.source(shelf.add("thing", tag))
    assert "python/thing/__init__.py" in names(build_layer(source, ARM_313, shelf.cache))


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_28_aarch64",
        "cp314-abi3-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux_2_39_aarch64",
        "cp313-cp313-musllinux_1_2_aarch64",
        "cp313-cp313-macosx_11_0_arm64",
        "py2-none-any",
    ],
)
def test_a_package_with_no_wheel_for_the_runtime_is_refused_by_layer_target_and_name(
    shelf: Shelf, tag: str
):
    source = shelf.source(shelf.add("thing", tag))
    with pytest.raises(
        LayerBuildError,
        match=r"(?s)^Layer shared for python3\.13 on arm64: .*`make lock`.* thing==1\.0 has no",
    ):
        build_layer(source, ARM_313, shelf.cache)


def test_a_wheel_for_amazon_linux_2023_is_refused_for_the_older_amazon_linux(shelf: Shelf):
    source = shelf.source(shelf.add("thing", "cp311-abi3-manylinux_2_28_x86_64"))
    build_layer(source, Target(runtime="python3.12", architecture="x86_64"), shelf.cache)
    with pytest.raises(LayerBuildError, match=r"thing==1\.0 has no wheels"):
        build_layer(source, Target(runtime="python3.11", architecture="x86_64"), shelf.cache)


def test_markers_are_evaluated_for_the_target_and_not_for_this_interpreter(shelf: Shelf):
    def line(name: str, marker: str) -> str:
        pin, hashes = shelf.add(name).split(" ", 1)
        return f"{pin} ; {marker} {hashes}"

    source = shelf.source(
        line("only_lambda", "python_full_version == '3.99.*' and platform_machine == 'aarch64'"),
        line("only_old", "python_version < '3.99'"),
        line("only_windows", "sys_platform == 'win32'"),
        line("cpython", "platform_python_implementation != 'PyPy'"),
    )
    built = names(build_layer(source, ELSEWHERE, shelf.cache))
    packages = [name for name in built if name.endswith("__init__.py")]
    assert packages == ["python/cpython/__init__.py", "python/only_lambda/__init__.py"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("thing==1.0", "must have a hash"),
        (f"thing>=1.0 --hash=sha256:{NO_HASH}", "pinned with `==`"),
        (f"thing --hash=sha256:{NO_HASH}", "pinned with `==`"),
    ],
)
def test_a_lock_without_pins_or_hashes_is_refused(shelf: Shelf, line: str, reason: str):
    shelf.add("thing")
    with pytest.raises(LayerBuildError, match=reason):
        build_layer(shelf.source(line), ELSEWHERE, shelf.cache)


def test_a_lock_that_lacks_a_dependency_is_refused_by_its_name(shelf: Shelf):
    shelf.add("needed")
    source = shelf.source(shelf.add("thing", needs="needed"))
    with pytest.raises(LayerBuildError, match="no trusted hash was provided for: `needed`"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_failed_build_leaves_nothing_behind(shelf: Shelf):
    source = shelf.source(f"missing==1.0 --hash=sha256:{NO_HASH}")
    with pytest.raises(LayerBuildError):
        build_layer(source, ELSEWHERE, shelf.cache)
    assert list(shelf.cache.iterdir()) == []


def test_uv_that_hangs_is_stopped(shelf: Shelf, without_uv: Callable[[], None]):
    source = shelf.source(shelf.add("thing"))
    without_uv()
    with pytest.raises(LayerBuildError, match=r"^Layer shared .* uv took more than 0 s: .*index"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_layer_that_lambda_would_refuse_is_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packaging, "MAXIMUM_ARCHIVE_BYTES", 100)
    with pytest.raises(LayerBuildError, match=r"has \d+ bytes, and Lambda takes at most 100: rem"):
        build_layer(shelf.source(shelf.add("thing")), ELSEWHERE, shelf.cache)
    assert not list(shelf.cache.glob("*.zip"))


def test_a_cache_that_cannot_be_written_is_named(shelf: Shelf):
    shelf.cache.write_text("a file where the folder should be")
    with pytest.raises(LayerBuildError, match=r"^Layer shared: .*cache.* can be written"):
        build_layer(shelf.source(shelf.add("thing")), ELSEWHERE, shelf.cache)


def test_pulumi_prints_a_failed_build_without_a_traceback():
    assert issubclass(LayerBuildError, pulumi.RunError)


class PackageIndex:
    """An index of the shelf's wheels on this machine, as a private one looks to uv."""

    def __init__(self, shelf: Shelf) -> None:
        self.requested: list[str] = []
        index = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments, directory=str(shelf.wheels))

            def do_GET(self) -> None:
                index.requested.append(self.path)
                if self.path != "/simple/thing/":
                    super().do_GET()
                    return
                links = [
                    f'<a href="/{each.name}">{each.name}</a>' for each in shelf.wheels.iterdir()
                ]
                page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def private_index(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    """An index that nobody has configured yet; uv has no other source of packages."""
    index = PackageIndex(shelf)
    (shelf.folder / "uv.toml").write_text(f"cache-dir = '{shelf.folder / 'uv-cache'}'\n")
    for variable in ("UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield index
    index.server.shutdown()
    index.server.server_close()


def test_a_private_index_of_uvs_variable_is_used(
    shelf: Shelf, private_index: PackageIndex, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UV_DEFAULT_INDEX", private_index.url)
    source = shelf.source(shelf.add("thing"))
    assert "python/thing/__init__.py" in names(build_layer(source, ELSEWHERE, shelf.cache))
    assert private_index.requested[0] == "/simple/thing/"


def test_the_message_of_a_failed_download_names_uvs_variable(
    shelf: Shelf, private_index: PackageIndex, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{private_index.url}/nowhere")
    with pytest.raises(LayerBuildError, match=r"uv reads UV_DEFAULT_INDEX and uv\.toml, not pip's"):
        build_layer(shelf.source(shelf.add("thing")), ELSEWHERE, shelf.cache)


def test_a_missing_lock_or_package_is_named(shelf: Shelf):
    source = LayerSource(name="shared", lock=shelf.folder / "nothing.txt")
    with pytest.raises(LayerBuildError, match=r"needs nothing\.txt"):
        build_layer(source, ELSEWHERE, shelf.cache)


def test_a_host_layer_for_another_python_is_refused(shelf: Shelf):
    target = Target(runtime="python3.99", architecture="arm64", is_host=True)
    with pytest.raises(LayerBuildError, match="layerPlatform host needs lambdaRuntime"):
        build_layer(shelf.source(shelf.add("thing")), target, shelf.cache)
