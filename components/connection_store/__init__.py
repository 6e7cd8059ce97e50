"""The tables of a stack, and the grants for them."""

from components.connection_store.store import ConnectionStore, ConnectionStoreArgs
from components.connection_store.tables import StackTable, TableSafety

__all__ = ["ConnectionStore", "ConnectionStoreArgs", "StackTable", "TableSafety"]
