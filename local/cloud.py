"""The whole stack on this machine: the emulator, the deployed program and a speaker's login."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from client.people import Listener, Participants, Speaker
from client.running_cloud import CONFIG_OUTPUT
from client.sign_in import add_user, new_password, sign_in
from components.layers import LayerBuildError
from components.settings import SettingsError
from components.web_pages import PagesBuildError
from local.alarms import Change, evaluate_alarms
from local.deployer import Deployer, DeployError, Ledger
from local.emulator.process import Denial
from local.function_logs import LogLine, read_log
from local.outputs import OutputsFile
from local.services import Services
from local.speech.recognisers import Recognition
from program.run import run_program
from program.stack_config import LOCAL_STACK, StackConfigError, local_config

NOT_DEPLOYED = (SettingsError, StackConfigError, LayerBuildError, PagesBuildError)
"""What the program raises before it declares anything; the message says what to do."""


class LocalCloud:
    """A running local cloud, as a context manager; all its files are in `folder`.

    `config` overrides stack config, by key without the project's name. `recognition` selects what
    speech is recognised. `least_time_limit_seconds` raises time limits of functions and
    integrations that are shorter (local/emulator/limits.py), and those of the functions' AWS calls.
    Several clouds run side by side, each with its own folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        recognition: Recognition = Recognition.SPEECH,
        least_time_limit_seconds: int = 0,
    ) -> None:
        self.folder = folder
        self.outputs: dict[str, Any] = {}
        self._config = dict(config or {})
        self._services = Services(
            folder, recognition=recognition, least_time_limit_seconds=least_time_limit_seconds
        )
        self._ledger = Ledger()
        self._cleanup = ExitStack()

    def start(self) -> None:
        """Deploy everything and write outputs.json.

        Raises EmulatorError or DeployError, and leaves nothing running then.
        """
        with ExitStack() as starting:
            services = starting.enter_context(self._services)
            self.speech, self.emulator = services.speech, services.emulator
            self.account = services.account
            self._outputs_file = OutputsFile(self.folder, self.account, LOCAL_STACK)
            self.deploy()
            self.speech.wait_until_ready()
            self.participants = starting.enter_context(Participants(self.outputs))
            self._cleanup = starting.pop_all()

    def stop(self) -> None:
        """End all processes and remove their files."""
        self._cleanup.close()

    def ending(self) -> str | None:
        """Return which process has ended by itself, with the end of its log; None while all run."""
        return self._services.ending()

    def deploy(self) -> list[str]:
        """Run the program; return the names of the resources that it created or changed.

        Raises DeployError, and whatever an error in the program itself raises.
        """
        deployer = Deployer(self.account, self._ledger)
        try:
            exports = run_program(deployer, stack=LOCAL_STACK, config=self.config())
        except Exception as error:
            if deployer.error:
                raise deployer.error from None
            if isinstance(error, NOT_DEPLOYED):
                raise DeployError(str(error)) from None
            raise
        # Whoever compares the stack with the program needs to know what differs from its config.
        self.outputs = self._outputs_file.publish({**exports, CONFIG_OUTPUT: self._config})
        return [resource.name for resource in deployer.changed]

    def config(self) -> dict[str, str]:
        """Return the stack config with which the program runs."""
        return local_config(
            region=self.account.region,
            cognito_endpoint=self.account.url,
            overrides=self._config,
        )

    def client(self, service: str) -> Any:
        """Return the boto3 client that acts as the account's root."""
        return self.account.client(service)

    def speaker(
        self, name: str | None = None, *, token: str | None = None, age_minutes: float = 0
    ) -> Speaker:
        """Open a speaker's socket; see `Participants.speaker`."""
        return self.participants.speaker(name, token=token, age_minutes=age_minutes)

    def listener(self, name: str | None = None, *, age_minutes: float = 0) -> Listener:
        """Open a listener's socket; see `Participants.speaker` for its age."""
        return self.participants.listener(name, age_minutes=age_minutes)

    def listeners(self, count: int) -> list[Listener]:
        """Open many listeners' sockets concurrently."""
        return self.participants.listeners(count)

    def token_of_another_speaker(self) -> str:
        """Create another user and return that user's ID token."""
        username, password = f"speaker-{secrets.token_hex(4)}@example.com", new_password()
        add_user(self.client("cognito-idp"), self.outputs["userPoolId"], username, password)
        return sign_in(self.outputs, username, password)

    def function_log(self, entry: str, since_ms: int = 0) -> list[LogLine]:
        """Return the function's log since a time (epoch milliseconds), oldest first.

        `entry` is the name of its entry module.
        """
        return read_log(self.client("logs"), self.outputs["logGroupNames"][entry], since_ms)

    def evaluate_alarms(self, now: float) -> list[Change]:
        """Evaluate the alarms on the metrics before `now` (epoch seconds); return the changes."""
        return evaluate_alarms(self.client("cloudwatch"), now)

    def denials(self) -> list[Denial]:
        """Return every call that IAM has denied so far, oldest first."""
        return self.emulator.denials()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
