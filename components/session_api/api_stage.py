"""The stage that clients connect to, and the deployment (a snapshot of the routes) that it serves.

It is throttled and may have access logs. The content of messages is never logged here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.session_api.access_logs import AccessLogs


@dataclass(frozen=True, kw_only=True)
class Throttling:
    """For all routes together: requests per second, and the size of a burst above that rate."""

    rate_limit: int
    burst_limit: int


@dataclass(frozen=True, kw_only=True)
class ApiStageArgs:
    """`snapshot` is text that changes with any of `snapshot_resources`, which are deployed."""

    api_id: pulumi.Input[str]
    stage_name: str
    throttling: Throttling
    route_metrics: bool
    access_logs: AccessLogs | None
    snapshot: pulumi.Output[str]
    snapshot_resources: Sequence[pulumi.Resource]


class ApiStage(pulumi.ComponentResource):
    """One deployment and one stage; `name` is known once the stage exists."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: ApiStageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:api_stage:ApiStage", name, None, opts)
        deployment = self._create_deployment(name, args)
        self.name = self._create_stage(name, args, deployment).name
        self.register_outputs({})

    def _create_deployment(self, name: str, args: ApiStageArgs) -> aws.apigatewayv2.Deployment:
        digest = args.snapshot.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())
        # A new digest replaces the deployment. Pulumi creates the new one first, so the stage moves
        # to it before the old one is deleted.
        return aws.apigatewayv2.Deployment(
            f"{name}-deployment",
            api_id=args.api_id,
            triggers={"snapshot": digest},
            opts=ResourceOptions(parent=self, depends_on=args.snapshot_resources),
        )

    def _create_stage(
        self, name: str, args: ApiStageArgs, deployment: aws.apigatewayv2.Deployment
    ) -> aws.apigatewayv2.Stage:
        logs = args.access_logs
        return aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=args.api_id,
            name=args.stage_name,
            deployment_id=deployment.id,
            # WebSocket APIs have no automatic deployment.
            auto_deploy=False,
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                # Execution logs would contain messages and tokens.
                data_trace_enabled=False,
                logging_level="OFF",
                detailed_metrics_enabled=args.route_metrics,
                throttling_rate_limit=args.throttling.rate_limit,
                throttling_burst_limit=args.throttling.burst_limit,
            ),
            access_log_settings=logs.stage_settings() if logs else None,
            opts=ResourceOptions(parent=self, depends_on=logs.needed_first if logs else []),
        )
