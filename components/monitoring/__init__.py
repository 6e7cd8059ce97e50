"""What is watched: alarms, and the dashboard."""

from components.monitoring.arguments import MonitoringArgs
from components.monitoring.monitoring import Monitoring

__all__ = ["Monitoring", "MonitoringArgs"]
