"""Alarms, the metrics that they are about, and the topic that they notify."""

from components.alarms.alarm import (
    FIVE_MINUTES_SECONDS,
    Alarm,
    Breach,
    Missing,
    create_alarm,
    event_alarm,
)
from components.alarms.alarm_topic import AlarmTopic, AlarmTopicArgs
from components.alarms.metrics import (
    CloudWatchMetric,
    function_metric,
    own_metric,
    queue_metric,
    stage_metric,
    table_metric,
)

__all__ = [
    "FIVE_MINUTES_SECONDS",
    "Alarm",
    "AlarmTopic",
    "AlarmTopicArgs",
    "Breach",
    "CloudWatchMetric",
    "Missing",
    "create_alarm",
    "event_alarm",
    "function_metric",
    "own_metric",
    "queue_metric",
    "stage_metric",
    "table_metric",
]
