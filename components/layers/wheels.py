"""Which wheels a Lambda runtime can load, and what a lock means for that runtime.

Pure decisions over versions, tags and markers: https://packaging.python.org/specifications/
"""

import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag, sys_tags
from packaging.utils import canonicalize_name

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Amazon Linux 2 has glibc 2.26, Amazon Linux 2023 has 2.34:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_GLIBC_MINOR_BY_PYTHON_MINOR = {11: 26}
_GLIBC_MINOR = 34
# The oldest manylinux there is for both architectures.
_OLDEST_GLIBC_MINOR = 17


@dataclass(frozen=True, kw_only=True)
class Target:
    """The Python that will import a layer: a Lambda runtime, or this very host's (local cloud)."""

    runtime: str
    architecture: str
    is_host: bool = False

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

    @property
    def platforms(self) -> list[str]:
        """Lambda's platform tags, the newest first."""
        machine = MACHINES[self.architecture]
        newest = _GLIBC_MINOR_BY_PYTHON_MINOR.get(self.minor_version[1], _GLIBC_MINOR)
        minors = range(newest, _OLDEST_GLIBC_MINOR - 1, -1)
        return [
            *(f"manylinux_2_{minor}_{machine}" for minor in minors),
            f"manylinux2014_{machine}",
        ]

    @property
    def marker_environment(self) -> dict[str, str]:
        """What environment markers mean there."""
        version = ".".join(str(part) for part in self.minor_version)
        system = platform.system() if self.is_host else "Linux"
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": platform.machine() if self.is_host else MACHINES[self.architecture],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": system,
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": sys.platform if self.is_host else "linux",
            "extra": "",
        }

    def pip_options(self) -> list[str]:
        """pip's options for wheels of this target; none for the host's own."""
        if self.is_host:
            return []
        version = ".".join(str(part) for part in self.minor_version)
        options = ["--implementation", "cp", "--python-version", version]
        for each in self.platforms:
            options += ["--platform", each]
        return options

    def tags(self) -> frozenset[Tag]:
        """Every wheel tag that loads there."""
        if self.is_host:
            return frozenset(sys_tags())
        interpreter = "cp" + "".join(str(part) for part in self.minor_version)
        platforms = self.platforms
        return frozenset(
            [
                *cpython_tags(self.minor_version, [interpreter], platforms),
                *compatible_tags(self.minor_version, interpreter, platforms),
            ]
        )

    def difference_from_host(self) -> str | None:
        """Why this host cannot stand in for the target, or None."""
        host = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        machine = host_architecture()
        if (self.runtime, self.architecture) == (host, machine):
            return None
        return (
            f"layerPlatform host needs lambdaRuntime {host} and lambdaArchitecture {machine}, as"
            f" this host has them, not {self.runtime} and {self.architecture}."
        )


def host_architecture() -> str:
    """This machine's architecture in Lambda's words."""
    machine = platform.machine().lower()
    return {"aarch64": "arm64", "amd64": "x86_64"}.get(machine, machine)


def pinned_requirements(lock: str, environment: dict[str, str]) -> dict[str, str]:
    """The lock's lines that apply in a marker environment, by package, without their markers.

    Raises `ValueError` for a line that is not pinned or has no hash.
    """
    wanted: dict[str, str] = {}
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", lock)).splitlines():
        if not line.strip():
            continue
        text, *hashes = re.split(r"\s+--hash=", line.strip())
        requirement = Requirement(text)
        if not hashes or [each.operator for each in requirement.specifier] != ["=="]:
            raise ValueError(f"The lock's line for {requirement.name} needs == and --hash.")
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pin = f"{requirement.name}{requirement.specifier}"
            options = "".join(f" --hash={each.strip()}" for each in hashes)
            wanted[canonicalize_name(requirement.name)] = pin + options
    return wanted


def foreign_wheels(folder: Path, target: Target) -> list[str]:
    """One line for each package installed in a folder whose wheel the target cannot load."""
    loadable = target.tags()
    problems: list[str] = []
    for record in sorted(folder.glob("*.dist-info/WHEEL")):
        named = re.findall(r"(?m)^Tag:\s*(\S+)\s*$", record.read_text())
        if not any(parse_tag(tag) & loadable for tag in named):
            wheel = record.parent.name.removesuffix(".dist-info")
            problems.append(f"  - {wheel} is built for {', '.join(named)}; wanted: {target}")
    return problems
