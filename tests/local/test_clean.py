"""`make clean` on a folder that is not this project's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.state_folder import StateFolder
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
CLEAN_IMPORTS = (
    *("client/__init__.py", "client/running_cloud.py"),
    *("local/__init__.py", "local/clean.py", "local/state_folder.py"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in CLEAN_IMPORTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "handlers" / "__pycache__").mkdir(parents=True)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    return tmp_path


def make_clean(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "clean", f"PYTHON={sys.executable}"],  # noqa: S607
        cwd=project,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_clean_refuses_while_a_local_cloud_is_running(project: Path) -> None:
    with StateFolder.claim(project), StateFolder.claim(project) as second:
        done = make_clean(project)
        assert done.returncode != 0
        assert "a local cloud is running in .local/, .local-2/" in done.stderr
        assert second.path.exists()
        assert (project / ".venv").exists()


def test_clean_leaves_neither_what_a_dead_run_left_nor_bytecode(project: Path) -> None:
    (project / ".local").mkdir()
    (project / ".local" / "lock").touch()
    assert make_clean(project).returncode == 0
    left = {path.relative_to(project).as_posix() for path in project.rglob("*")}
    assert left == {"Makefile", "handlers", "client", "local", *CLEAN_IMPORTS}
