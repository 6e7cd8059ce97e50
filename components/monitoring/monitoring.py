"""The monitoring of a stack: alarms on what affects users, and a dashboard to find the cause.

Each alarm notifies the topic. Its metric is one of AWS or one that a function emits through its
log. The alarms of the audio queues are made with those queues.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.alarms import create_alarm
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.dashboard import dashboard
from components.monitoring.service_alarms import service_alarms
from components.monitoring.session_alarms import session_alarms


class Monitoring(pulumi.ComponentResource):
    """The alarms and the dashboard, each of them optional."""

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
        for alarm in (*session_alarms(args), *service_alarms(args)):
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
