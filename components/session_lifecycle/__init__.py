"""The functions of a session's life, and the checks that time brings."""

from components.session_lifecycle.lifecycle import SessionLifecycle, SessionLifecycleArgs

__all__ = ["SessionLifecycle", "SessionLifecycleArgs"]
