"""The functions of a session's life, and the delayed checks of sessions."""

from components.session_lifecycle.lifecycle import SessionLifecycle, SessionLifecycleArgs
from components.session_lifecycle.session_checks import SessionChecks, SessionChecksArgs

__all__ = ["SessionChecks", "SessionChecksArgs", "SessionLifecycle", "SessionLifecycleArgs"]
