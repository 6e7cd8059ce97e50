"""`python -m local.run` as people start it, on a copy of the project."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.account import Account
from client.people import Participants
from client.running_cloud import OUTPUTS_FILE, running_outputs
from contract.functions import FUNCTIONS, LIVE
from local.pages.local_pages import not_installed
from local.run import described
from tests.local.runs import (
    ENDING_TIMEOUT_SECONDS,
    READY_TIMEOUT_SECONDS,
    RELOAD_TIMEOUT_SECONDS,
    UNUSED_MODULE,
    Run,
    Runs,
)
from tests.patience import PATIENCE_SECONDS, wait_until

NEVER_READY = "\nimport time\n\ntime.sleep(600)\n"
TRY_AGAIN = "rm web/node_modules/.installed && make setup"
needs_pages = pytest.mark.skipif(not_installed() is not None, reason=str(not_installed()))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs of the whole project."""
    runs = Runs(tmp_path_factory.mktemp("runs"))
    yield runs
    runs.kill()


@pytest.fixture
def edited(runs: Runs) -> Run:
    """One run for the tests that edit handlers."""
    return runs.edited()


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs of a program that never ends, so that no signal comes too late for a start."""
    runs = Runs(tmp_path_factory.mktemp("endless"))
    program = runs.project / "__main__.py"
    edit(program, program.read_text() + NEVER_READY)
    yield runs
    runs.kill()


@dataclass(frozen=True)
class Process:
    id: int
    parent: int
    group: int
    command: str


def processes() -> list[Process]:
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,pgid=,args="],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    ).stdout
    rows = [line.split(maxsplit=3) for line in listed.splitlines()]
    return [
        Process(int(process), int(parent), int(group), command)
        for process, parent, group, command in rows
    ]


def processes_of(project: Path) -> list[Process]:
    """All processes that name the copy's folder."""
    return [process for process in processes() if str(project) in process.command]


def group_of_emulator(run: Run) -> int:
    """The process group of the run's emulator and of all that it starts."""
    [server] = [
        process
        for process in processes()
        if process.parent == run.process.pid and "emulator/serve.py" in process.command
    ]
    return server.group


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


def state_folders(project: Path) -> list[str]:
    return sorted(path.name for path in project.glob(".local*"))


def outputs_in(folder: Path) -> dict[str, Any]:
    return json.loads((folder / OUTPUTS_FILE).read_text())


def answer_of(run: Run, entry: str) -> bytes:
    """What the function answers to an invocation."""
    found = running_outputs(run.project)
    assert found, "nothing runs in the copy"
    folder, outputs = found
    client = Account.load(folder).client("lambda")
    answer = client.invoke(FunctionName=f"{outputs['functionNames'][entry]}:{LIVE}", Payload=b"{}")
    return answer["Payload"].read()


def edit(path: Path, text: str) -> None:
    """Replace the file in one step, as editors do."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.rename(path)


@pytest.mark.parametrize(
    ("first_file", "number"),
    [
        pytest.param("emulator-*/emulator.log", signal.SIGINT, id="emulator"),
        pytest.param("root-credentials.json", signal.SIGTERM, id="deployment"),
    ],
)
def test_a_run_that_is_ended_while_it_starts_leaves_nothing(
    endless: Runs, first_file: str, number: int
) -> None:
    run = endless.start()
    eventually(lambda: list(run.project.glob(f".local/{first_file}")), first_file)
    assert run.end(number) == 0
    assert "ready" not in run.text
    assert processes_of(run.project) == []
    assert state_folders(run.project) == []


def test_without_what_the_pages_are_built_from_the_run_says_so_and_goes_on(endless: Runs) -> None:
    (endless.project / "web/node_modules").unlink(missing_ok=True)
    run = endless.start()
    line = run.wait_for("the pages are not served: ", READY_TIMEOUT_SECONDS)
    assert line.endswith("npm could not install what web/ depends on; to try again: " + TRY_AGAIN)
    eventually(lambda: list(run.project.glob(".local/emulator-*")), "the emulator")
    assert run.end(signal.SIGINT) == 0


@pytest.mark.parametrize("value", ["0.0.0.0", "a-host"])  # noqa: S104 - refused
def test_an_address_that_phones_cannot_reach_is_refused_before_anything_starts(
    endless: Runs, value: str
) -> None:
    done = command(endless.project, "local.run", "--listen", value)
    assert done.returncode == 1
    assert done.stdout.startswith(f"LISTEN is {value!r}, but ")
    assert done.stdout.count("\n") == 1
    assert state_folders(endless.project) == []


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ([], "nothing"),
        (["pages-index.html", "pages-assets/a.js", "b-function"], "b and the pages"),
        (["b-function", "layers-shared", "a-function"], "the shared layer and all 2 functions"),
        (["b-function"], "b"),
        (["status-rule", "b-function", "layers-tokens"], "the tokens layer, b and status-rule"),
    ],
)
def test_what_is_reloaded_is_described_in_order(resources: list[str], words: str) -> None:
    assert described(resources, function_count=2) == words


@needs_pages
def test_both_pages_are_served_with_the_config_of_the_stack(edited: Run) -> None:
    speak, listen = edited.page("speak"), edited.page("listen")
    for url in (speak, listen):
        assert b'id="page"' in read(url)
    outputs = outputs_in(edited.project / ".local")
    config = json.loads(read(f"{listen}config.json"))
    assert config["websocketUrl"] == outputs["websocketUrl"]
    assert outputs["stackConfig"]["webPages"] is True
    line = edited.wait_for("speak: ", READY_TIMEOUT_SECONDS)
    assert outputs["speakerUsername"] in line
    assert outputs["speakerPassword"] in line


@needs_pages
def test_an_edit_of_the_pages_is_served_and_what_open_pages_need_stays(edited: Run) -> None:
    listen = edited.page("listen")
    [asset] = scripts_of(read(listen))
    source = edited.project / "web/src/words.ts"
    good = source.read_text()
    edit(source, "export const words = {;")
    line = edited.wait_for("web/src/words.ts: not deployed: The pages:", RELOAD_TIMEOUT_SECONDS)
    assert line
    assert scripts_of(read(listen)) == [asset]
    edit(source, good.replace('title: "Live captions"', 'title: "Live subtitles"'))
    edited.wait_for("web/src/words.ts: reloaded the pages in", RELOAD_TIMEOUT_SECONDS)
    [new_asset] = scripts_of(read(listen))
    assert new_asset != asset
    assert b"Live subtitles" in b"".join(read(listen + each) for each in assets_of(read(listen)))
    assert read(listen + asset)


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:  # noqa: S310
        return response.read()


def scripts_of(page: bytes) -> list[str]:
    return re.findall(r'src="\./(assets/[^"]+)"', page.decode())


def assets_of(page: bytes) -> list[str]:
    return re.findall(r'"\./(assets/[^"]+)"', page.decode())


def test_a_deleted_file_is_reported_by_its_name(edited: Run) -> None:
    (edited.project / UNUSED_MODULE).unlink()
    edited.wait_for("unused.py (deleted): reloaded", RELOAD_TIMEOUT_SECONDS)


def test_a_syntax_error_is_reported_and_the_deployed_code_keeps_running_until_it_is_mended(
    edited: Run,
) -> None:
    handler = edited.project / "handlers" / "heartbeat.py"
    good = handler.read_text()
    edit(handler, "def handler(event, context)\n    return 'broken'\n")
    line = edited.wait_for("handlers/heartbeat.py: ", RELOAD_TIMEOUT_SECONDS)
    assert "line 1" in line
    assert b"SyntaxError" not in answer_of(edited, "heartbeat")
    edit(handler, good + "\n\ndef handler(event, context):\n    return 'mended'\n")
    line = edited.wait_for("handlers/heartbeat.py: reloaded", RELOAD_TIMEOUT_SECONDS)
    assert "reloaded heartbeat in" in line
    assert answer_of(edited, "heartbeat") == b'"mended"'


def test_an_edit_of_the_shared_package_updates_every_function(edited: Run) -> None:
    module = edited.project / "handlers" / "live_sessions" / "aws" / "dynamodb.py"
    edit(module, module.read_text() + "\nEDITED = True\n")
    line = edited.wait_for("dynamodb.py: reloaded", RELOAD_TIMEOUT_SECONDS)
    assert f"reloaded the shared layer and all {len(FUNCTIONS)} functions in" in line
    found = running_outputs(edited.project)
    assert found
    lambda_ = Account.load(found[0]).client("lambda")
    layers = {
        layer["Arn"].rpartition(":")[2]
        for name in found[1]["functionNames"].values()
        for layer in lambda_.get_function_configuration(FunctionName=name, Qualifier=LIVE)["Layers"]
        if ":live-sessions-local-shared:" in layer["Arn"]
    }
    assert len(layers) == 1
    assert layers != {"1"}


def test_an_edit_of_the_program_is_reported_to_need_a_restart(edited: Run) -> None:
    module = edited.project / "components" / "cadence.py"
    edit(module, module.read_text() + "\nEDITED = True\n")
    line = edited.wait_for("cadence.py: not deployed", RELOAD_TIMEOUT_SECONDS)
    assert line.endswith("start `make run` again")


def test_a_reset_empties_the_tables_and_queues(edited: Run) -> None:
    found = running_outputs(edited.project)
    assert found
    folder, outputs = found
    account = Account.load(folder)
    dynamodb, sqs = account.client("dynamodb"), account.client("sqs")
    left_over = {
        "sessionsTable": {"sessionId": {"S": "left-over"}},
        "audioSlotsTable": {"slot": {"N": "3"}},
    }
    for table, item in left_over.items():
        dynamodb.put_item(TableName=outputs[table], Item=item)
    urls = [outputs["queueUrls"]["fanOutFailures"], outputs["audioQueueUrls"][-1]]
    for url in urls:
        sqs.send_message(QueueUrl=url, MessageBody="left over")
    done = command(edited.project, "local.reset")
    assert done.returncode == 0, done.stderr
    assert "of .local/" in done.stdout
    assert "the next status may take up to a minute" in done.stdout
    for table in left_over:
        assert dynamodb.scan(TableName=outputs[table])["Count"] == 0
    for url in urls:
        count = sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]["ApproximateNumberOfMessages"]
        assert count == "0"


def test_the_functions_logs_can_be_followed(edited: Run, tmp_path: Path) -> None:
    followed = tmp_path / "followed.txt"
    with followed.open("wb") as output:
        follower = subprocess.Popen(
            [sys.executable, "-m", "local.logs", "--function", "connection"],
            cwd=edited.project,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        found = running_outputs(edited.project)
        assert found
        # It shows what is logged from then on.
        wait_until(lambda: "following" in followed.read_text())
        with Participants(found[1]) as people:
            people.listener()
        wait_until(lambda: "connected" in followed.read_text())
    finally:
        follower.send_signal(signal.SIGINT)
        assert follower.wait(ENDING_TIMEOUT_SECONDS) == 0
    folder, *lines = followed.read_text().splitlines()
    assert "of .local/" in folder
    assert all("connection" in line for line in lines)


@pytest.mark.parametrize("module", ["local.reset", "local.logs"])
def test_without_a_run_the_commands_say_so(runs: Runs, module: str) -> None:
    done = command(runs.project, module, "--cloud", ".local-9")
    assert done.returncode == 1
    assert "running in .local-9: start one with `make run`" in done.stderr


def test_logs_of_an_unknown_function_are_refused_with_the_known_ones(edited: Run) -> None:
    done = command(edited.project, "local.logs", "--function", "nonsense")
    assert done.returncode == 1
    assert "session_status" in done.stderr


def test_two_runs_share_nothing_and_one_that_is_ended_leaves_nothing(
    edited: Run, runs: Runs
) -> None:
    second = runs.start()
    names = (".local", ".local-2")
    lines = dict(zip(names, (edited.wait_until_ready(), second.wait_until_ready()), strict=True))
    assert state_folders(runs.project) == [*names]
    assert len({Account.load(runs.project / name).url for name in names}) == 2
    for name in names:
        outputs = outputs_in(runs.project / name)
        assert outputs["websocketUrl"] in lines[name]
        assert f"{name}/outputs.json" in lines[name]

    folder = runs.project / ".local-2"
    with Participants(outputs_in(folder)) as people:  # so that there are functions' processes
        people.speaker().create_session("en")
        group = group_of_emulator(second)
        running = [each for each in processes_of(runs.project) if each.group == group]
        assert sum("forked_process.py" in process.command for process in running) > 1
        assert second.end(signal.SIGINT) == 0
    assert [each for each in processes_of(runs.project) if each.group == group] == []
    assert not any(f"{folder}/" in process.command for process in processes())
    assert list(second.scratch.iterdir()) == []
    assert state_folders(runs.project) == [".local"]
    assert edited.process.poll() is None
    assert answer_of(edited, "reconcile")


def test_after_a_killed_run_the_next_one_cleans_up_and_reports_its_own_emulators_end(
    edited: Run, runs: Runs
) -> None:
    edited.end(signal.SIGKILL)
    eventually(lambda: not processes_of(runs.project), "the end of the killed run's processes")
    stale = set((runs.project / ".local").iterdir())
    assert stale, "a killed run cannot clean up"
    assert running_outputs(runs.project) is None
    following = runs.start()
    following.wait_until_ready()
    assert state_folders(runs.project) == [".local"]
    left = {path.name for path in stale if path.name.startswith(("emulator-", "speech-"))}
    assert left
    assert not left & {path.name for path in (runs.project / ".local").iterdir()}

    server = group_of_emulator(following)
    [log] = runs.project.glob(".local/emulator-*/emulator.log")
    with log.open("a") as file:
        file.write("its last words\n")
    os.kill(server, signal.SIGKILL)
    assert following.process.wait(ENDING_TIMEOUT_SECONDS) == 1
    assert "the emulator ended by itself:\n" in following.text
    assert "its last words" in following.text
    assert processes_of(runs.project) == []
    assert state_folders(runs.project) == []


def command(project: Path, *arguments: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
