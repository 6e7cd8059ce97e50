"""The tables, and statements for them."""

from components.connection_store.store import ConnectionStore, ConnectionStoreArgs
from components.connection_store.tables import (
    TableSafety,
    TableShape,
    create_table,
    table_statement,
)

__all__ = [
    "ConnectionStore",
    "ConnectionStoreArgs",
    "TableSafety",
    "TableShape",
    "create_table",
    "table_statement",
]
