"""The benchmarks run; their figures are not checked. tests/local/ has the one on a local cloud."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "options", "row"),
    [
        ("fan_out.py", ["--posts", "5", "--rounds", "1", "--latencies", "0"], "post_all"),
        (
            "crowd.py",
            ["--listeners", "1001", "--rounds", "1", "--latencies", "0"],
            "by pages          1001",
        ),
        ("caption_history.py", ["--rounds", "1", "--batch", "0", "--post", "0"], "with history"),
        ("cold_start.py", ["--rounds", "1", "--modules", "heartbeat"], "heartbeat"),
        ("cold_start.py", ["--layers", "--rounds", "1", "--modules", "authorizer"], "authorizer"),
    ],
)
def test_a_benchmark_prints_its_table(script: str, options: list[str], row: str) -> None:
    run = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert row in run.stdout
