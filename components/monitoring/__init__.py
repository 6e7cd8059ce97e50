"""The alarms and the dashboard of a stack."""

from components.monitoring.arguments import MonitoringArgs
from components.monitoring.monitoring import Monitoring

__all__ = ["Monitoring", "MonitoringArgs"]
