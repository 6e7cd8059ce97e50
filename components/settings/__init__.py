"""A stack's settings, typed and checked."""

from components.settings.problems import SettingsError
from components.settings.stack_settings import (
    PROJECT,
    AudioRules,
    CaptionRules,
    DomainRules,
    MonitoringRules,
    RateLimits,
    ReleaseRules,
    SessionRules,
    Settings,
    physical_prefix,
)

__all__ = [
    "PROJECT",
    "AudioRules",
    "CaptionRules",
    "DomainRules",
    "MonitoringRules",
    "RateLimits",
    "ReleaseRules",
    "SessionRules",
    "Settings",
    "SettingsError",
    "physical_prefix",
]
