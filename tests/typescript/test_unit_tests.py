"""The client's own tests, in clients/typescript/tests: a run of Node.js for each file."""

from pathlib import Path

import pytest

from tests.typescript.conftest import PACKAGE, run_node

FILES = sorted((PACKAGE / "tests").rglob("*.test.ts"))


def test_there_are_tests_to_run() -> None:
    assert {"nothing-missed.test.ts", "resampler.test.ts"} <= {path.name for path in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name.removesuffix(".test.ts"))
def test_the_tests_of_a_file_pass(file: Path) -> None:
    ran = run_node("--test", "--test-reporter=spec", file.relative_to(PACKAGE))
    assert ran.returncode == 0, ran.stdout
    assert "ℹ fail 0" in ran.stdout
    assert "ℹ pass 0" not in ran.stdout, "a file without tests passes, too"
