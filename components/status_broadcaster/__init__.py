"""The status function, and the ticks that keep its cadence."""

from components.status_broadcaster.broadcaster import StatusBroadcaster, StatusBroadcasterArgs

__all__ = ["StatusBroadcaster", "StatusBroadcasterArgs"]
