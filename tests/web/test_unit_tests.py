"""The pages' own tests, in web/tests: a run of Node.js for each file. They need no browser."""

from pathlib import Path

import pytest

from program.stack_config import ROOT
from tests.typescript.conftest import run_node

PACKAGE = ROOT / "web"
FILES = sorted((PACKAGE / "tests").rglob("*.test.ts"))


def test_there_are_tests_to_run() -> None:
    assert {"join-link.test.ts", "listen-session.test.ts"} <= {path.name for path in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name.removesuffix(".test.ts"))
def test_the_tests_of_a_file_pass(file: Path) -> None:
    ran = run_node(
        *("--import", "./tests/client-source.js", "--test", "--test-reporter=spec"),
        file.relative_to(PACKAGE),
        cwd=PACKAGE,
    )
    assert ran.returncode == 0, ran.stdout
    assert "ℹ fail 0" in ran.stdout
    assert "ℹ pass 0" not in ran.stdout, "a file without tests passes, too"
