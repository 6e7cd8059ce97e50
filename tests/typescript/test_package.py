"""What is published: everything that the package needs, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS
from tests.typescript.conftest import NODE, NPM, PACKAGE, run_node

MANIFEST: dict[str, Any] = json.loads((PACKAGE / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((PACKAGE / "package-lock.json").read_text())
EXAMPLE = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
OLDEST_NODE = 20

USE = """\
import assert from "node:assert";
import { ERROR_CODES, Listener, RecordingSource, SessionFullError, Speaker } from "live-sessions";

class WebSocket {
  static opened = [];
  constructor(url, protocols) { WebSocket.opened.push([url, protocols]); }
  addEventListener() {}
  close() {}
}
const listener = new Listener({ url: "ws://127.0.0.1:9/live", WebSocket });
listener.join({ sessionId: "a-b-1-2", targetLanguage: "es" }).catch(() => undefined);
const speaker = new Speaker({ url: "ws://127.0.0.1:9/live", token: "t", WebSocket });
speaker.createSession({ sourceLanguage: "en" }).catch(() => undefined);
await new Promise(setImmediate);
assert.deepStrictEqual(WebSocket.opened, [
  ["ws://127.0.0.1:9/live", ["live-sessions.v1"]],
  ["ws://127.0.0.1:9/live", ["live-sessions.v1", "bearer.t"]],
]);
listener.close();
speaker.close();
assert(ERROR_CODES.includes("SESSION_FULL") && SessionFullError && RecordingSource);
console.log(process.version);
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as its users have it."""
    folder = tmp_path_factory.mktemp("user")
    # A copy, so that tests that run at the same time do not build in the same folder.
    copy = folder / "source"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "tests"))
    (copy / "node_modules").symlink_to(PACKAGE / "node_modules")
    ran = run_node(NPM, "pack", "--silent", "--pack-destination", folder, cwd=copy)
    assert ran.returncode == 0, ran.stdout
    (archive,) = folder.glob("*.tgz")
    installed = folder / "node_modules/live-sessions"
    installed.parent.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (folder / "package").rename(installed)
    return installed


def test_the_package_has_its_code_with_types_its_license_and_its_page_and_nothing_else(
    unpacked: Path,
) -> None:
    files = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    sources = [path.relative_to(PACKAGE / "src") for path in (PACKAGE / "src").rglob("*.ts")]
    code = {Path("dist") / path.with_suffix(end) for path in sources for end in (".js", ".d.ts")}
    assert files == {Path("package.json"), Path("README.md"), Path("LICENSE"), *code}


def test_the_package_has_the_license_of_the_repository(unpacked: Path) -> None:
    assert (unpacked / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_everything_that_the_package_exports_is_in_it(unpacked: Path) -> None:
    assert MANIFEST["exports"]["."].keys() == {"types", "default"}
    exported = json.dumps(MANIFEST["exports"])
    paths = re.findall(r'": "(\./[^"]+)"', exported)
    assert paths
    assert [path for path in paths if not (unpacked / path).is_file()] == []


def test_the_package_depends_on_nothing_at_run_time(unpacked: Path) -> None:
    manifest = json.loads((unpacked / "package.json").read_text())
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & manifest.keys()
    imported = {
        name
        for path in (unpacked / "dist").rglob("*.js")
        for name in re.findall(r'(?:from|import) "([^"]+)"', path.read_text())
    }
    assert imported
    assert all(name.startswith(".") and name.endswith(".js") for name in imported)


def test_the_audio_worklet_is_a_file_that_imports_nothing(unpacked: Path) -> None:
    """Bundlers copy it as it is."""
    text = (unpacked / "dist/audio/capture-worklet.js").read_text()
    assert "registerProcessor(" in text
    assert not re.search(r"^import\b", text, re.MULTILINE)


def test_the_package_has_the_version_of_the_repository() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert MANIFEST["version"] == LOCK["version"] == version


def nodes() -> list[Path]:
    """The Node.js that comes with the tools, and this machine's own one if it is new enough."""
    found = [NODE]
    own = shutil.which("node")
    if own is not None:
        ran = subprocess.run(
            [own, "--version"], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
        )
        if int(ran.stdout.removeprefix("v").partition(".")[0]) >= OLDEST_NODE:
            found.append(Path(own))
    return found


@pytest.mark.parametrize("node", nodes(), ids=str)
def test_node_runs_the_package(unpacked: Path, node: Path) -> None:
    (unpacked.parents[1] / "use.mjs").write_text(USE)
    ran = run_node("use.mjs", cwd=unpacked.parents[1], node=node)
    assert ran.returncode == 0, ran.stdout


def test_the_examples_of_its_page_fit_its_types(unpacked: Path) -> None:
    folder = unpacked.parents[1]
    examples = EXAMPLE.findall((PACKAGE / "README.md").read_text())
    assert len(examples) >= 3
    for number, example in enumerate(examples):
        (folder / f"example{number}.mts").write_text(example)
    types = folder / "node_modules/@types"
    types.mkdir()
    for name in ("ws", "node"):
        (types / name).symlink_to(PACKAGE / "node_modules/@types" / name)
    tsc = PACKAGE / "node_modules/typescript/bin/tsc"
    ran = run_node(
        *(tsc, "--noEmit", "--strict", "--skipLibCheck", "--preserveSymlinks"),
        *("--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom", "--types", "node"),
        *(f"example{number}.mts" for number in range(len(examples))),
        cwd=folder,
    )
    assert ran.returncode == 0, ran.stdout


def test_the_lock_file_has_hashes_and_no_address_of_a_registry() -> None:
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert packages
    assert [name for name, each in packages.items() if "integrity" not in each] == []
    text = (PACKAGE / "package-lock.json").read_text()
    assert "resolved" not in text
    assert not re.search(r"https?://[^\"]*\.tgz", text)


def test_no_package_runs_anything_when_it_is_installed() -> None:
    assert [name for name, each in LOCK["packages"].items() if "hasInstallScript" in each] == []


def test_the_lock_file_fits_the_manifest() -> None:
    assert LOCK["packages"][""]["devDependencies"] == MANIFEST["devDependencies"]
