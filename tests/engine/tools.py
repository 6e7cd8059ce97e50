"""Pulumi's command line and the AWS plugin with which the engine tests run, and what is missing."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Self

from program.stack_config import ROOT
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

PLUGIN_COMMAND = "AWS_PLUGIN_COMMAND"
"""Names a command that serves the AWS plugin on loopback and prints its port, instead of the plugin
that Pulumi finds. It gets `--root DIR`, the folder in which the program's relative paths begin."""


def missing_tool() -> str | None:
    """What the engine tests lack on this machine and how to get it; None if they can run.

    Raises RuntimeError if AWS_PLUGIN_COMMAND names a command that does not exist.
    """
    if not shutil.which("pulumi"):
        return "the Pulumi CLI is not on the PATH: https://www.pulumi.com/docs/install/"
    if named_plugin_command() or shutil.which("pulumi-resource-aws"):
        return None
    version = metadata.version("pulumi-aws")
    listed = subprocess.run(
        ["pulumi", "plugin", "ls", "--json"],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    found = [(each["name"], each["version"]) for each in json.loads(listed.stdout or "[]")]
    if ("aws", version) in found:
        return None
    return (
        f"Pulumi has no AWS plugin {version}: run `pulumi plugin install resource aws {version}`,"
        f" or name another one in {PLUGIN_COMMAND}"
    )


def named_plugin_command() -> list[str]:
    """The command in AWS_PLUGIN_COMMAND; empty if it is not set."""
    command = shlex.split(os.environ.get(PLUGIN_COMMAND, ""))
    if command and not shutil.which(command[0]):
        raise RuntimeError(f"{PLUGIN_COMMAND} names {command[0]}, which is no command")
    return command


class NamedPlugin:
    """The plugin of AWS_PLUGIN_COMMAND as a process, as a context manager.

    `variables` are its AWS settings. It writes its log and its temporary files into `folder`, whose
    path has to be short, since there may be Unix sockets among them.
    """

    port: int

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        self._command = [*command, "--root", str(ROOT)]
        self._folder = folder
        self._variables = {**variables, "TMPDIR": str(folder)}

    def __enter__(self) -> Self:
        log = self._folder / "plugin.log"
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            self.__exit__()
            raise RuntimeError(f"{self._command} printed no port: {line!r}\n{log.read_text()}")
        self.port = int(line)
        return self

    def __exit__(self, *_: object) -> None:
        # With the provider that it started.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(OUT_OF_REACH_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


def pulumi_recording_its_process(folder: Path) -> Path:
    """The path of a `bin/pulumi` that writes its process id to `pulumi.pid` in the folder."""
    real = shutil.which("pulumi")
    assert real, missing_tool()
    path = folder / "bin/pulumi"
    path.parent.mkdir(parents=True)
    pid_file = shlex.quote(str(folder / "pulumi.pid"))
    path.write_text(f'#!/bin/sh\necho $$ > {pid_file}\nexec {shlex.quote(real)} "$@"\n')
    path.chmod(0o755)
    return path


def user_plugins() -> Path:
    """Where Pulumi keeps the plugins that the user installed."""
    home = os.environ.get("PULUMI_HOME")
    return (Path(home) if home else Path.home() / ".pulumi") / "plugins"
