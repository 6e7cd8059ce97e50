"""The session's status as it goes to its speaker by itself."""
