"""What each function is told, and whether its code loads with what it is given."""

import dataclasses
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from components.layers import Target, host_architecture
from components.layers.function_layers import CACHE, SHARED, STREAMING, TOKENS
from components.layers.packaging import build_layer
from components.settings.stack_settings import FUNCTIONS
from live_sessions import environment
from program.computed import REGION
from program.engine import Engine
from tests.contracts.functions import entry_functions
from tests.contracts.permission_table import PREFIX, STATEMENTS
from tests.contracts.variable_table import (
    COMMON_VARIABLES,
    LAMBDAS_OWN_VARIABLES,
    LAYERS,
    VARIABLES,
)
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def test_every_function_has_a_row_in_the_tables(engine: Engine):
    entries = set(entry_functions(engine))
    assert entries == {name.replace("-", "_") for name in STATEMENTS}
    assert entries == VARIABLES.keys() == set(FUNCTIONS)


@pytest.mark.parametrize("entry", VARIABLES)
def test_each_functions_environment_is_exactly_what_the_table_says(engine: Engine, entry: str):
    variables = entry_functions(engine)[entry]["environment"]["variables"]
    assert variables.keys() == COMMON_VARIABLES | set(VARIABLES[entry].split())
    assert all(isinstance(value, str) and value for value in variables.values())


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_functions_entry_module_exists_and_has_a_handler(entry: str):
    source = (ROOT / "handlers" / f"{entry}.py").read_text()
    assert re.search(r"(?m)^(def handler\(|handler\s*(:.*)?=)", source), f"{entry} has no handler"


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_function_is_given_what_it_reads(entry: str):
    record = "".join(word.capitalize() for word in entry.split("_")) + "Environment"
    fields = {field.name.upper() for field in dataclasses.fields(getattr(environment, record))}
    assert fields <= {*VARIABLES[entry].split(), *LAMBDAS_OWN_VARIABLES}


@pytest.fixture(scope="module")
def lambda_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The layers unpacked, and a folder with what Lambda's own Python brings: boto3."""
    runtime = f"python3.{sys.version_info[1]}"
    host = Target(runtime=runtime, architecture=host_architecture(), is_host=True)
    folders: dict[str, Path] = {}
    for source in (SHARED, TOKENS, STREAMING):
        folders[source.name] = tmp_path_factory.mktemp(source.name)
        archive = build_layer(source, host, CACHE)
        zipfile.ZipFile(archive).extractall(folders[source.name])
    folders["runtime"] = tmp_path_factory.mktemp("runtime")
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        installed = Path(boto3.__file__).parents[1] / name
        (folders["runtime"] / name).symlink_to(installed)
    return folders


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_handler_imports_with_its_layers_alone(
    engine: Engine, lambda_folders: dict[str, Path], tmp_path: Path, entry: str
):
    function = entry_functions(engine)[entry]
    shutil.copy(ROOT / "handlers" / f"{entry}.py", tmp_path)
    names = [layer.split(":")[6].removeprefix(f"{PREFIX}-") for layer in function["layers"]]
    assert names == LAYERS.get(entry, ["shared"])
    path = [tmp_path, *(lambda_folders[name] / "python" for name in names)]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {entry}; print(callable({entry}.handler))"],
        env={
            **function["environment"]["variables"],
            **dict.fromkeys(LAMBDAS_OWN_VARIABLES, "given by Lambda"),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "PYTHONPATH": ":".join(str(folder) for folder in [*path, lambda_folders["runtime"]]),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
