"""A stack's settings, typed and checked."""

from components.settings.problems import SettingsError
from components.settings.stack_settings import (
    PROJECT,
    AudioRules,
    DomainRules,
    MonitoringRules,
    RateLimits,
    SessionRules,
    Settings,
)

__all__ = [
    "PROJECT",
    "AudioRules",
    "DomainRules",
    "MonitoringRules",
    "RateLimits",
    "SessionRules",
    "Settings",
    "SettingsError",
]
