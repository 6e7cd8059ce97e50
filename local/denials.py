"""The calls that IAM refused, as the emulator's log tells them."""

import re
from dataclasses import dataclass
from pathlib import Path

# Written by the emulator for each refusal.
LINE = re.compile(r"denied (?P<principal>\S+) (?P<action>\S+) on (?P<resource>\S+)$")


@dataclass(frozen=True)
class Denial:
    """One refused call: who asked for what."""

    principal: str
    action: str
    resource: str

    @property
    def role(self) -> str:
        """The role's name, of an assumed role `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`."""
        parts = self.principal.split("/")
        return parts[1] if len(parts) > 1 else self.principal


def denials_in(log_path: Path) -> list[Denial]:
    """Return the refusals that the log holds, oldest first."""
    lines = log_path.read_text(errors="replace").splitlines()
    return [Denial(**found.groupdict()) for line in lines if (found := LINE.search(line))]
