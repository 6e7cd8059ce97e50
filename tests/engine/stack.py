"""A stack on Pulumi's real engine and the real AWS provider, on the project's own emulator."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from pulumi import automation

from client.account import Account
from client.people import Participants
from local.emulator.process import Emulator
from local.outputs import OutputsFile
from program.stack_config import LOCAL_STACK, ROOT, host_settings, project, stack_config
from tests.engine.programs import Program, whole_program
from tests.engine.steps import Step, Steps
from tests.engine.tools import (
    NamedPlugin,
    named_plugin_command,
    pulumi_recording_its_process,
    user_plugins,
)

SMALL: Mapping[str, Any] = {
    "accessLogs": False,
    "alarms": False,
    "audioSlots": 1,
    "dashboard": False,
    "statusIntervalSeconds": 60,
    "statusShards": 1,
    "transcripts": False,
}
"""Config of a stack with few resources."""
OPERATIONS_OF_A_PLUGIN = 4
"""A named plugin may keep hundreds of megabytes of each operation until it ends."""
Watch = Callable[[Step], object]


class EngineStack:
    """One stack, as a context manager that leaves no process and no file behind.

    `config` overrides the local cloud's config, by key without the project's name; `configure`
    changes it for the operations that follow. `program` is any inline program, `use` exchanges it.
    Several stacks share an emulator if their names differ. Each operation returns its steps and
    raises `pulumi.automation.CommandError` if it fails; `steps` then has those of the failed one.
    """

    def __init__(
        self,
        emulator: Emulator,
        *,
        name: str = "engine",
        config: Mapping[str, Any] = SMALL,
        program: Program | None = None,
    ) -> None:
        self.emulator = emulator
        self.name = name
        self.steps = Steps()
        self._config = dict(config)
        self._root = ROOT
        self._program = program or whole_program()
        self._operations_left = 0
        self._plugin = ExitStack()
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            # Not within pytest's own folders: the paths of Unix sockets must be short.
            self._folder = Path(tempfile.mkdtemp(prefix="engine-"))
            starting.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._plugin = starting.enter_context(ExitStack())
            self._stack = self._created(self._own_variables())
            self._cleanup = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def configure(self, **overrides: Any) -> None:
        """Change config for the operations that follow, by key without the project's name."""
        self._config.update(overrides)

    def use(self, program: Program, root: Path = ROOT) -> None:
        """Exchange the program; `root` is the checkout whose Pulumi.yaml declares its config."""
        self._program, self._root = program, root

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs of its last update."""
        return {name: output.value for name, output in self._stack.outputs().items()}

    def people(self, account: Account, *, with_subprotocols: bool = True) -> Participants:
        """Speakers and listeners on the stack's sockets; to be closed, as a context manager."""
        outputs = OutputsFile(self._folder, account, self.name).publish(self.outputs)
        return Participants(outputs, with_subprotocols=with_subprotocols)

    def up(
        self, watch: Watch | None = None, *, refresh: bool = False, parallel: int | None = None
    ) -> Steps:
        """`pulumi up`, also with `--refresh`; `watch` is called with each step when it begins.

        `parallel` is how many steps may run at once; Pulumi's default is 4 for each processor.
        """
        return self._run(self._stack.up, watch, refresh=refresh, parallel=parallel)

    def preview(self, *, refresh: bool = False) -> Steps:
        """`pulumi preview`, also with `--refresh`."""
        return self._run(self._stack.preview, refresh=refresh)

    def refresh(self, *, clear_pending_creates: bool = False) -> Steps:
        """`pulumi refresh`, also with `--clear-pending-creates`."""
        return self._run(self._stack.refresh, clear_pending_creates=clear_pending_creates)

    def destroy(self) -> Steps:
        """`pulumi destroy`; the stack itself stays, and can be brought up again."""
        return self._run(self._stack.destroy)

    def cancel(self) -> None:
        """`pulumi cancel`: removes the lock that a killed update left behind."""
        self._stack.cancel()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the Pulumi process that is running."""
        os.kill(int((self._folder / "pulumi.pid").read_text()), number)

    def kill(self) -> None:
        """Kill the Pulumi process that is running, and its plugin, which would end with it."""
        self.send_signal(signal.SIGKILL)
        self._plugin.close()
        self._operations_left = 0

    def exported(self) -> dict[str, Any]:
        """The stack's state, as `pulumi stack export` prints it."""
        return dict(self._stack.export_stack().deployment or {})

    def pulumi(self, *arguments: str) -> str:
        """What another command of Pulumi's prints, run for this stack; raises CommandError."""
        command = [*arguments, "--stack", self.name]
        workspace = self._stack.workspace
        return workspace.pulumi_command.run(command, workspace.work_dir, self._variables).stdout

    def _run(
        self, operation: Callable[..., object], watch: Watch | None = None, **options: Any
    ) -> Steps:
        self._serve_plugin()
        self._write_config()
        self._stack.workspace.program = self._program
        self.steps = Steps(watch=watch)
        operation(on_event=self.steps.record, **options)
        return self.steps

    def _serve_plugin(self) -> None:
        """Start the plugin that AWS_PLUGIN_COMMAND names, anew after some operations."""
        command = named_plugin_command()
        if not command or self._operations_left:
            self._operations_left -= 1
            return
        self._plugin.close()
        plugin = self._plugin.enter_context(NamedPlugin(command, self._folder, self._variables))
        self._variables["PULUMI_DEBUG_PROVIDERS"] = f"aws:{plugin.port}"
        self._stack.workspace.env_vars = self._variables
        self._operations_left = OPERATIONS_OF_A_PLUGIN - 1

    def _write_config(self) -> None:
        """Pulumi.<stack>.yaml with every key: an inline program's project declares none."""
        this_run = {
            **host_settings(),
            "region": self.emulator.region,
            "cognitoEndpoint": self.emulator.url,
            **self._config_of_the_program(),
        }
        values = stack_config(LOCAL_STACK, this_run, self._root)
        workspace = self._stack.workspace
        settings = workspace.stack_settings(self.name)
        settings.config = dict(values)
        workspace.save_stack_settings(self.name, settings)

    def _config_of_the_program(self) -> dict[str, Any]:
        """Without the settings that another checkout's program does not have yet."""
        declared = project(self._root)["config"]
        is_another = self._root != ROOT
        return {
            key: value for key, value in self._config.items() if not is_another or key in declared
        }

    def _own_variables(self) -> dict[str, str]:
        """Variables that point Pulumi and the plugin at the emulator and at this stack's folder.

        Whatever else the host has set for AWS or Pulumi is emptied.
        """
        folder = self._folder
        home = folder / "home"
        home.mkdir()
        if (plugins := user_plugins()).is_dir():
            (home / "plugins").symlink_to(plugins)
        (folder / "state").mkdir()
        of_the_host = [name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))]
        return {
            **dict.fromkeys(of_the_host, ""),
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": self.emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.emulator.secret_access_key,
            "AWS_REGION": self.emulator.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _created(self, variables: dict[str, str]) -> automation.Stack:
        self._variables = variables
        work = self._folder / "work"
        work.mkdir()
        pulumi = pulumi_recording_its_process(self._folder)
        return automation.create_stack(
            self.name,
            project_name=project()["name"],
            program=self._program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(work),
                env_vars=variables,
                pulumi_command=automation.PulumiCommand(str(pulumi.parent.parent)),
            ),
        )
