"""The table of final captions: written by the translation function, read for getCaptions."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import StackTable, TableSafety
from components.grants import Grant
from contract.tables import CAPTIONS


@dataclass(frozen=True, kw_only=True)
class CaptionHistoryArgs:
    """`prefix` starts the table's physical name. `is_on`: whether captions are kept."""

    prefix: str
    deletion_protection: bool
    is_on: bool


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
        self._is_on = args.is_on
        self.register_outputs({"captionsTable": self.table.name})

    def writing(self) -> Grant:
        """Writing captions in batches."""
        return self._if_on(self.table.granting("KeepCaptions", "BatchWriteItem"))

    def reading(self) -> Grant:
        """Reading a session's captions in one language."""
        return self._if_on(self.table.granting("ReadCaptions", "Query"))

    def _if_on(self, grant: Grant) -> Grant:
        return grant if self._is_on else Grant(variables=grant.variables)
