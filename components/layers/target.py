"""The Python that will import a layer, and how uv is asked for packages that load there."""

import platform
import re
import sys
from dataclasses import dataclass

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Amazon Linux 2023 has glibc 2.34. Amazon Linux 2, below python3.12, has 2.26, and the nearest
# platform that uv knows is 2.17: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_AMAZON_LINUX_2023 = "manylinux_2_34"
_AMAZON_LINUX_2 = "manylinux_2_17"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Lambda runtime, or this host's own Python (`is_host`, for the local cloud).

    `runtime` is such as python3.13, `architecture` is arm64 or x86_64; raises `ValueError`
    for another. `bytecode`: whether the layers hold bytecode, which only a builder with the same
    Python can make.
    """

    runtime: str
    architecture: str
    is_host: bool = False
    bytecode: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"python3\.[0-9]+", self.runtime):
            raise ValueError(f"Runtime {self.runtime!r} must be one such as python3.13.")
        if self.architecture not in MACHINES:
            raise ValueError(f"Architecture {self.architecture!r} must be one of {list(MACHINES)}.")

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}{' (this host)' if self.is_host else ''}"

    @property
    def minor_version(self) -> tuple[int, int]:
        """Python's version, such as (3, 13)."""
        return 3, int(self.runtime.rpartition(".")[2])

    def uv_options(self) -> list[str]:
        """uv's options for wheels that load on the target; none for the host's own Python."""
        if self.is_host:
            return []
        system = _AMAZON_LINUX_2023 if self.minor_version >= (3, 12) else _AMAZON_LINUX_2
        return [
            *("--python-version", self.runtime.removeprefix("python")),
            *("--python-platform", f"{MACHINES[self.architecture]}-{system}"),
        ]

    def difference_from_host(self) -> str | None:
        """Why this host's Python is not the target's, or None if it is."""
        host = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        machine = host_architecture()
        if (self.runtime, self.architecture) == (host, machine):
            return None
        return (
            f"layerPlatform host needs lambdaRuntime {host} and lambdaArchitecture {machine}, as"
            f" this host has them, not {self.runtime} and {self.architecture}."
        )


def host_architecture() -> str:
    """This machine's architecture by Lambda's name for it."""
    machine = platform.machine().lower()
    return {"aarch64": "arm64", "amd64": "x86_64"}.get(machine, machine)
