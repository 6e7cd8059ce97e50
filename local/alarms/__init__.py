"""Alarms as CloudWatch evaluates them, on metrics that the emulator holds."""

from local.alarms.evaluator import Change, evaluate_alarms
from local.alarms.state import State

__all__ = ["Change", "State", "evaluate_alarms"]
