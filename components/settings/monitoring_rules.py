"""What is watched, and who is told."""

from dataclasses import dataclass

from components.settings.checks import Switch, Text
from components.settings.config_fields import setting


@dataclass(frozen=True, kw_only=True)
class MonitoringRules:
    """`alarm_email`: who confirms a subscription to the alarms' topic, or empty.

    `route_metrics`: whether API Gateway reports each route apart; `tracing`: whether functions send
    traces to X-Ray.
    """

    alarms: bool = setting(Switch())
    alarm_email: str = setting(
        Text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address such as ops@example.com", True)
    )
    dashboard: bool = setting(Switch())
    route_metrics: bool = setting(Switch())
    tracing: bool = setting(Switch())
