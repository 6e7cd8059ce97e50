"""What is watched of a stack: alarms on what hurts somebody, and a dashboard to see why.

Each alarm tells the topic and is told by a metric that exists: AWS's own, or one that a function
emits through its log. The audio queues' alarms are with the queues.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.alarms import Alarm, create_alarm
from components.monitoring.answer_alarms import answer_alarms
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.dashboard import dashboard
from components.monitoring.function_alarms import function_alarms, queue_alarms
from components.monitoring.session_alarms import session_alarms
from components.monitoring.speech_alarms import speech_alarms
from components.monitoring.status_alarms import status_alarms


class Monitoring(pulumi.ComponentResource):
    """The alarms and the dashboard, each if it is wanted."""

    dashboard_name: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: MonitoringArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:monitoring:Monitoring", name, None, opts)
        self._child = ResourceOptions(parent=self)
        if args.alarm_topic_arn is not None:
            self._create_alarms(name, args, args.alarm_topic_arn)
        self.dashboard_name = self._create_dashboard(name, args) if args.has_dashboard else None
        self.register_outputs({"dashboardName": self.dashboard_name})

    def _create_alarms(self, name: str, args: MonitoringArgs, topic_arn: pulumi.Input[str]) -> None:
        alarms: list[Alarm] = [
            *status_alarms(args),
            *session_alarms(args),
            *answer_alarms(args),
            *function_alarms(args),
            *queue_alarms(args),
            *speech_alarms(args),
        ]
        for alarm in alarms:
            label = alarm.name.removeprefix(f"{args.platform.prefix}-")
            create_alarm(f"{name}-{label}-alarm", alarm, topic_arn, self._child)

    def _create_dashboard(self, name: str, args: MonitoringArgs) -> pulumi.Output[str]:
        made = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.platform.prefix,
            dashboard_body=pulumi.Output.json_dumps(dashboard(args)),
            opts=self._child,
        )
        return made.dashboard_name
