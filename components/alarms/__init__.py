"""Alarms, and the topic that they tell."""

from components.alarms.alarm import Alarm, Breach, Metric, Missing, create_alarm
from components.alarms.alarm_topic import AlarmTopic, AlarmTopicArgs

__all__ = [
    "Alarm",
    "AlarmTopic",
    "AlarmTopicArgs",
    "Breach",
    "Metric",
    "Missing",
    "create_alarm",
]
