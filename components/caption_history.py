"""The table of final captions: written by the translation function, read for getCaptions."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import StackTable, TableSafety
from components.grants import Grant
from contract.tables import CAPTIONS


@dataclass(frozen=True, kw_only=True)
class CaptionHistoryArgs:
    """`prefix` starts the table's physical name.

    `is_shown`: whether captions are kept for listeners; `is_kept`: whether they are kept at all,
    for listeners or for transcripts.
    """

    prefix: str
    deletion_protection: bool
    is_shown: bool
    is_kept: bool


class CaptionHistory(pulumi.ComponentResource):
    """The table stays, and is empty, where no captions are kept; then nobody may use it.

    It never has point-in-time recovery, which would keep for weeks what was said.
    """

    table: StackTable

    def __init__(
        self, name: str, args: CaptionHistoryArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:caption_history:CaptionHistory", name, None, opts)
        safety = TableSafety(
            point_in_time_recovery=False, deletion_protection=args.deletion_protection
        )
        self.table = StackTable(f"{name}-captions", CAPTIONS, args.prefix, safety, self)
        self._args = args
        self.register_outputs({"captionsTable": self.table.name})

    def writing(self) -> Grant:
        """Writing captions in batches."""
        return _if(self._args.is_kept, self.table.granting("KeepCaptions", "BatchWriteItem"))

    def reading(self) -> Grant:
        """Reading a session's captions in one language."""
        return _if(self._args.is_shown, self.table.granting("ReadCaptions", "Query"))

    def taking_out(self) -> Grant:
        """Reading a session's captions in every language, and deleting them."""
        return self.table.granting("TakeOutCaptions", "Query", "BatchWriteItem")


def _if(is_used: bool, grant: Grant) -> Grant:
    return grant if is_used else Grant(variables=grant.variables)
