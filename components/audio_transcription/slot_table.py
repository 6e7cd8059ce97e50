"""Which session has which slot, and until when: one item per slot, whose number is its key.

Slots are taken and given back, never made or removed, so nothing expires here.
"""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store import TableSafety, TableShape, create_table, table_statement
from components.policies import Statement


@dataclass(frozen=True, kw_only=True)
class SlotTableArgs:
    """`prefix` starts the table's physical name."""

    prefix: str
    safety: TableSafety


class SlotTable(pulumi.ComponentResource):
    """The table's name, and statements for it."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: SlotTableArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:slot_table:SlotTable", name, None, opts)
        shape = TableShape(physical_name=f"{args.prefix}-audio-slots", keys={"slot": "N"})
        self._table = create_table(f"{name}-table", shape, args.safety, self)
        self.name = self._table.name
        self.register_outputs({"name": self.name})

    def statement(self, sid: str, *actions: str) -> Statement:
        """Access to the slots."""
        return table_statement(sid, actions, self._table.arn)
