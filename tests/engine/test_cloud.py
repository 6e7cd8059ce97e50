"""`make cloud` as the Pulumi CLI's user meets it: up, sessions, preview, refresh, restart, destroy.

The program runs inline, so Pulumi's Python language host has no part in it.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation import OpType

from client.account import Account
from client.people import Listener, Participants, Speaker
from client.recordings import read_recording
from client.running_cloud import running_outputs
from local.sample_speech import WAV
from program.stack_config import CLOUD_STACK, project, stack_config
from tests.engine.programs import whole_program
from tests.engine.stack import SMALL
from tests.engine.steps import Steps
from tests.engine.tools import NamedPlugin, named_plugin_command, user_plugins
from tests.local.pulumi_clouds import Cloud, free_port
from tests.patience import PATIENCE_SECONDS

pytest.importorskip("pocketsphinx", reason="it hears English for the local cloud")

CONFIG = {**SMALL, "transcripts": True, "statusQueryTimeoutMilliseconds": 4_000}
MOST_READINGS = 6


class User:
    """Someone with `make cloud` in one shell and the Pulumi CLI in another.

    The CLI has nothing but the variables of `.local-cloud/env`, and the config of
    Pulumi.local-cloud.yaml.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._project, self._port = folder / "project", free_port()
        self._cleanup = ExitStack()
        self.cloud = self._started()

    def restart(self) -> None:
        """Ctrl-C, and `make cloud` again."""
        assert self.cloud.end(signal.SIGINT) == 0
        self.cloud = self._started()

    def create_stack(self) -> None:
        """`pulumi stack select --create local-cloud`, and a smaller config."""
        variables = self.cloud.variables()
        if command := named_plugin_command():
            plugin = NamedPlugin(command, self._folder, variables)
            port = self._cleanup.enter_context(plugin).port
            variables["PULUMI_DEBUG_PROVIDERS"] = f"aws:{port}"
        (home := self._folder / "home").mkdir()
        if (plugins := user_plugins()).is_dir():
            (home / "plugins").symlink_to(plugins)
        (work := self._folder / "work").mkdir()
        of_the_host = [name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))]
        self._stack = automation.create_stack(
            CLOUD_STACK,
            project_name=project()["name"],
            program=whole_program(),
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(work),
                env_vars={
                    **dict.fromkeys(of_the_host, ""),
                    **variables,
                    "PULUMI_HOME": str(home),
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                },
            ),
        )
        config = stack_config(CLOUD_STACK, CONFIG, root=self._project)
        settings = self._stack.workspace.stack_settings(CLOUD_STACK)
        settings.config = dict(config)
        self._stack.workspace.save_stack_settings(CLOUD_STACK, settings)

    def up(self) -> Steps:
        return self._run(self._stack.up)

    def preview(self) -> Steps:
        return self._run(self._stack.preview)

    def refresh(self) -> Steps:
        return self._run(self._stack.refresh)

    def destroy(self) -> Steps:
        return self._run(self._stack.destroy)

    def outputs(self) -> dict[str, Any]:
        """What a client finds in outputs.json."""
        found = running_outputs(self._project)
        assert found, self.cloud.text
        return found[1]

    def run(self, module: str) -> str:
        """What `python -m module` prints in the project."""
        return subprocess.run(
            [sys.executable, "-m", module],
            cwd=self._project,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        ).stdout

    def close(self) -> None:
        self._cleanup.close()
        self.cloud.kill()

    def _started(self) -> Cloud:
        cloud = Cloud(self._project, self._port)
        cloud.wait_for("ready in")
        return cloud

    def _run(self, operation: Callable[..., object]) -> Steps:
        steps = Steps()
        operation(on_event=steps.record)
        return steps


@pytest.fixture(scope="module")
def user(tools: None) -> Iterator[User]:
    # Not within pytest's own folders: the paths of Unix sockets must be short.
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        user = User(Path(folder))
        try:
            user.create_stack()
            yield user
        finally:
            user.close()


def session_on(outputs: Mapping[str, Any]) -> None:
    """A speaker and a listener: status, control, audio and captions."""
    with Participants(outputs) as people:
        speaker, listener = people.speaker(), people.listener()
        session = speaker.create_session("en")
        listener.join(session, "es")
        listener.expect("sessionJoined", PATIENCE_SECONDS)
        assert speaker.ask_status()["languageDistribution"] == {"es": 1}
        assert speaker.pause().type == "broadcastPaused"
        assert speaker.resume().type == "broadcastResumed"
        speak_until_captioned(speaker, listener)
        assert listener.expect("caption", PATIENCE_SECONDS)["targetLanguage"] == "es"
        speaker.end_session()
        listener.expect("sessionEnded", PATIENCE_SECONDS)


def speak_until_captioned(speaker: Speaker, listener: Listener) -> None:
    """Read the text aloud, again if need be.

    On a busy machine the functions start so slowly that the first reading comes too late for them.
    """
    sequence = 0
    for _ in range(MOST_READINGS):
        sequence = speaker.speak(
            read_recording(WAV), first_sequence=sequence, chunk_milliseconds=500
        )
        if listener.captions():
            break


def test_sessions_run_on_what_pulumi_up_has_made(user: User) -> None:
    steps = user.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE}
    line = user.cloud.wait_for("deployed: sockets")
    outputs = user.outputs()
    endpoint = user.cloud.variables()["AWS_ENDPOINT_URL"]
    assert outputs["managementEndpoint"].startswith(f"{endpoint}/")
    assert outputs["websocketUrl"] == f"ws{outputs['managementEndpoint'].removeprefix('http')}"
    assert outputs["websocketUrl"] in line
    session_on(outputs)


def test_preview_and_refresh_find_nothing_to_change(user: User) -> None:
    for steps in (user.preview(), user.refresh(), user.preview()):
        assert steps.names(OpType.SAME, OpType.REFRESH) >= {"connection-function", "api-api"}
        assert steps.changes == [], str(steps)


def test_the_commands_of_the_local_cloud_work_on_it(user: User) -> None:
    assert "resetting the local cloud of .local-cloud/" in user.run("local.reset")


def test_what_is_deployed_outlives_make_cloud(user: User) -> None:
    before = user.outputs()
    user.restart()
    user.cloud.wait_for("deployed: sockets")
    password = {"speakerPassword": before["speakerPassword"]}
    assert {**user.outputs(), **password} == before
    steps = user.refresh()
    assert steps.changes == [], str(steps)
    session_on(user.outputs())


def test_destroy_leaves_nothing_and_withdraws_the_outputs(user: User) -> None:
    steps = user.destroy()
    assert {step.op for step in steps.changes} == {OpType.DELETE}
    user.cloud.wait_for("nothing is deployed")
    assert running_outputs(user.cloud.project) is None
    account = Account.load(user.cloud.folder)
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("apigatewayv2").get_apis()["Items"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []
