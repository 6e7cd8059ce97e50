"""A stack's settings, typed and checked."""

from components.settings.stack_settings import PROJECT, Settings, SettingsError

__all__ = ["PROJECT", "Settings", "SettingsError"]
