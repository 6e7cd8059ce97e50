"""What monitoring is given: the parts it watches, and the numbers that they are held to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.handler_function import FunctionPlatform, HandlerFunction
from components.message_queue import MessageQueue
from components.session_api import SessionApi


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """`alarm_topic_arn`: who is told; None for nobody, and no alarms.

    `failure_queues`: where failures are kept, by name; `is_periodic`: whether there are status
    ticks; `has_route_metrics`: whether API Gateway reports each route apart.
    """

    platform: FunctionPlatform
    api: SessionApi
    functions: Sequence[HandlerFunction]
    failure_queues: Mapping[str, MessageQueue]
    slot_queue_names: Sequence[str]
    tables: Sequence[pulumi.Output[str]]
    indexes: Sequence[tuple[pulumi.Output[str], str]]
    alarm_topic_arn: pulumi.Input[str] | None
    has_dashboard: bool
    has_route_metrics: bool
    is_periodic: bool
    status_interval_seconds: int
    status_shards: int
    status_query_timeout_milliseconds: int

    def runs(self, entry: str) -> bool:
        """Whether the function of an entry module is the stack's own: translation may not be."""
        return any(function.entry == entry for function in self.functions)
