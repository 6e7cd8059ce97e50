"""The parts of a stack that monitoring watches, and the settings that its thresholds come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.connection_store import StackTable
from components.handler_function import FunctionPlatform, HandlerFunction
from components.message_queue import MessageQueue
from components.session_api import SessionApi
from contract.functions import Function


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """`failure_queues` are the queues of failed messages, by the name that outputs give them.

    Without `alarm_topic_arn` no alarms exist. `has_route_metrics`: whether API Gateway emits
    metrics for each route. `is_periodic`: whether the status is pushed at each interval.
    """

    platform: FunctionPlatform
    api: SessionApi
    functions: Sequence[HandlerFunction]
    failure_queues: Mapping[str, MessageQueue]
    slot_queue_names: Sequence[str]
    tables: Sequence[StackTable]
    alarm_topic_arn: pulumi.Input[str] | None
    has_dashboard: bool
    has_route_metrics: bool
    is_periodic: bool
    status_interval_seconds: int
    status_shards: int
    status_query_timeout_milliseconds: int

    def has(self, function: Function | str) -> bool:
        """Whether the stack has this function, by itself or by its entry module.

        It has no translation function where an external one is used.
        """
        entry = function if isinstance(function, str) else function.entry
        return any(each.entry == entry for each in self.functions)
