"""The functions of a session's life, and the checks that time brings."""

from components.session_lifecycle.arguments import SessionLifecycleArgs
from components.session_lifecycle.lifecycle import SessionLifecycle

__all__ = ["SessionLifecycle", "SessionLifecycleArgs"]
