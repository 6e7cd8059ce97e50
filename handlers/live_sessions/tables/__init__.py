"""The rows: one module for each table, and for each part of a session's row that many change."""
