"""`make clean` on a folder that is not this project's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.state_folder import StateFolder
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "local").mkdir()
    for name in ("__init__.py", "clean.py", "state_folder.py"):
        shutil.copy(ROOT / "local" / name, tmp_path / "local")
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
    assert left == {
        "Makefile",
        "handlers",
        "local",
        "local/__init__.py",
        "local/clean.py",
        "local/state_folder.py",
    }
