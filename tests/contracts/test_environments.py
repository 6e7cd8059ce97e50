"""Each function's environment and layers, and whether its code loads with them."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.layers import Target, host_architecture
from components.layers.function_layers import CACHE, SHARED, STREAMING, TOKENS
from components.layers.packaging import build_layer
from contract.functions import FUNCTIONS
from program.computed import REGION
from program.engine import Engine
from tests.contracts.permission_table import PREFIX, STATEMENTS
from tests.contracts.program_runs import ProgramRun
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
COMMON_VARIABLES = {
    "ENV",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
SET_BY_LAMBDA = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
}
# The config key of each variable whose value is a setting.
SETTINGS = {
    "AUDIO_CHUNKS_PER_SECOND": "audioChunksPerSecond",
    "AUDIO_SLOTS": "audioSlots",
    "CAPTION_HISTORY_MINUTES": "captionHistoryMinutes",
    "CONNECTIONS_PER_ADDRESS_PER_MINUTE": "connectionsPerAddressPerMinute",
    "CONTROLS_PER_CONNECTION_PER_MINUTE": "controlsPerConnectionPerMinute",
    "AUDIO_SLOTS_PER_USER": "audioSlotsPerUser",
    "JOIN_MISSES_PER_ADDRESS_PER_MINUTE": "joinMissesPerAddressPerMinute",
    "PASSCODE_MISSES_PER_SESSION_PER_MINUTE": "passcodeMissesPerSessionPerMinute",
    "JOINS_PER_ADDRESS_PER_MINUTE": "joinsPerAddressPerMinute",
    "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": "listenerCountChangeThresholdPercent",
    "MAX_LISTENERS_PER_SESSION": "maxListenersPerSession",
    "PARTIAL_CAPTIONS": "partialCaptions",
    "PARTIAL_RESULTS_STABILITY": "partialResultsStability",
    "PERIODIC_UPDATE_INTERVAL_SECONDS": "statusIntervalSeconds",
    "SESSIONS_PER_USER_PER_HOUR": "sessionsPerUserPerHour",
    "SESSION_MAX_DURATION_HOURS": "sessionMaxDurationHours",
    "SPEAKER_GRACE_SECONDS": "speakerGraceSeconds",
    "STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": "statusQueriesPerSpeakerPerMinute",
    "STATUS_QUERY_TIMEOUT_MS": "statusQueryTimeoutMilliseconds",
    "STATUS_SHARDS": "statusShards",
    "TRANSCRIPTS": "transcripts",
}
# The layers of each function that has more than the shared one.
LAYERS = {"authorizer": ["shared", "tokens"], "audio_processor": ["shared", "streaming"]}


def entry_functions(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every function's inputs, by its entry module."""
    return {
        each["handler"].removesuffix(".handler"): each for each in engine.inputs("lambda/function")
    }


def test_the_functions_are_those_of_the_contract_and_each_has_a_row_of_permissions(
    stack: ProgramRun,
):
    left_out = set[str]() if stack.is_on("transcripts") else {"transcripts"}
    assert entry_functions(stack.engine).keys() == FUNCTIONS.keys() - left_out
    assert FUNCTIONS.keys() == {name.replace("-", "_") for name in STATEMENTS}


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_each_function_is_given_exactly_what_it_reads(engine: Engine, entry: str):
    variables = entry_functions(engine)[entry]["environment"]["variables"]
    assert variables.keys() == COMMON_VARIABLES | set(FUNCTIONS[entry].variables)
    assert all(isinstance(value, str) and value for value in variables.values())


def test_every_setting_that_a_function_reads_has_the_value_of_stack_config(stack: ProgramRun):
    read: set[str] = set()
    for entry, function in entry_functions(stack.engine).items():
        for name, value in function["environment"]["variables"].items():
            if name in SETTINGS:
                read.add(name)
                assert value == stack.config[SETTINGS[name]], f"{name} of {entry}"
    assert read == SETTINGS.keys(), "a setting that no function reads"


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_functions_entry_module_exists_and_has_a_handler(entry: str):
    source = (ROOT / "handlers" / f"{entry}.py").read_text()
    assert re.search(r"(?m)^(def handler\(|handler\s*(:.*)?=)", source), f"{entry} has no handler"


@pytest.fixture(scope="module")
def lambda_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The unpacked layers, and a folder with the packages of Lambda's own Python: boto3."""
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


# Each entry in a process of its own, which is a copy of one that has imported what all of them use.
IMPORT_EACH = """
import importlib, json, os, sys
import aws_lambda_powertools, boto3
for entry, (folder, variables) in json.load(sys.stdin).items():
    child = os.fork()
    if not child:
        os.environ.clear()
        os.environ.update(variables)
        sys.path.insert(0, folder)
        print(entry, callable(importlib.import_module(entry).handler), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("layers", [["shared"], *LAYERS.values()], ids="-".join)
def test_every_handler_imports_with_its_layers_alone(
    engine: Engine, lambda_folders: dict[str, Path], tmp_path: Path, layers: list[str]
):
    given: dict[str, tuple[str, dict[str, str]]] = {}
    for entry, function in entry_functions(engine).items():
        names = [layer.split(":")[6].removeprefix(f"{PREFIX}-") for layer in function["layers"]]
        assert names == LAYERS.get(entry, ["shared"])
        if names == layers:
            folder = tmp_path / entry
            folder.mkdir()
            shutil.copy(ROOT / "handlers" / f"{entry}.py", folder)
            given[entry] = (
                str(folder),
                {
                    **function["environment"]["variables"],
                    **dict.fromkeys(SET_BY_LAMBDA, "set by Lambda"),
                    "AWS_DEFAULT_REGION": REGION,
                    "AWS_REGION": REGION,
                },
            )
    path = [lambda_folders[name] / "python" for name in layers]
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_EACH],
        input=json.dumps(given),
        env={"PYTHONPATH": ":".join(map(str, [*path, lambda_folders["runtime"]]))},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout.splitlines() == [f"{entry} True" for entry in given], done.stderr
