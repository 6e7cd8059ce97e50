"""The records as a table and as JSON."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from operations.releases.records import Record, live_record
from operations.releases.stack import Versions, behind
from operations.verify.report import PLAIN_WIDTH

NOT_RECORDED = "not recorded"
MIXED = "mixed"


@dataclass(frozen=True)
class Listing:
    """A stack's records, newest first, the versions that serve, and the newest ones."""

    stack: str
    records: Sequence[Record]
    served: Versions
    newest: Versions

    @property
    def live(self) -> Record | None:
        """The release that serves; None if no record has these versions."""
        return live_record(self.records, self.served)

    @property
    def older(self) -> Collection[str]:
        """The functions that serve an older version than their newest."""
        return sorted(behind(self.served, self.newest))

    @property
    def state(self) -> str:
        """What serves, in words."""
        if not self.served:
            return "nothing is deployed"
        if self.live:
            words = f"release {self.live} is live"
            return f"{words}, rolled back from newer versions" if self.older else words
        if not self.older:
            return f"{NOT_RECORDED}: the newest versions are live, and no record has them"
        versions = ", ".join(f"{name} {self.served[name]}" for name in sorted(self.served))
        return f"{MIXED}: no release has the versions that are live: {versions}"

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "stack": self.stack,
            "live": self.live.commit if self.live else None,
            "state": self.state,
            "served": dict(self.served),
            "rolledBackFunctions": list(self.older),
            "releases": [{**each.as_json(), "isLive": each is self.live} for each in self.records],
        }


def write_json(listing: Listing, stream: TextIO) -> None:
    """Write the listing as one JSON document."""
    stream.write(json.dumps(listing.as_json(), indent=2) + "\n")


def write_table(listing: Listing, stream: TextIO) -> None:
    """Write one row for each record, and what is live."""
    console = Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH)
    table = Table(show_lines=False, pad_edge=False, box=None)
    for heading in ("date", "commit", "", "changed from the release before"):
        table.add_column(heading, overflow="fold")
    before_each = (*listing.records[1:], None)
    for record, before in zip(listing.records, before_each, strict=False):
        mark = "live" if record is listing.live else ""
        table.add_row(record.written_date, record.commit, mark, _changes(record, before))
    if listing.records:
        console.print(table)
    else:
        console.print(f"no release of {listing.stack} is recorded", highlight=False)
    console.print(listing.state, highlight=False)


def _changes(record: Record, before: Record | None) -> str:
    if before is None:
        return ""
    changed = [
        f"{name} {before.versions.get(name, 'new')} → {version}"
        for name, version in sorted(record.versions.items())
        if before.versions.get(name) != version
    ]
    return ", ".join(changed) or "no function"
