"""A stack's settings, typed and checked."""

from components.settings.rate_limits import RateLimits
from components.settings.session_rules import SessionRules
from components.settings.stack_settings import PROJECT, Settings, SettingsError

__all__ = ["PROJECT", "RateLimits", "SessionRules", "Settings", "SettingsError"]
