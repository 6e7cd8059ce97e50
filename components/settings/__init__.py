"""A stack's settings, typed and checked."""

from components.settings.problems import CERTIFICATE_REGION, SettingsError
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
    WebPagesRules,
    physical_prefix,
)

__all__ = [
    "CERTIFICATE_REGION",
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
    "WebPagesRules",
    "physical_prefix",
]
