"""A stack's settings, typed and checked."""

from components.settings.audio_rules import AudioRules
from components.settings.domain_rules import DomainRules
from components.settings.monitoring_rules import MonitoringRules
from components.settings.rate_limits import RateLimits
from components.settings.session_rules import SessionRules
from components.settings.stack_settings import PROJECT, Settings, SettingsError

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
