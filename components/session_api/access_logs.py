"""The stage's access log: one JSON line for each event, in its own log group.

It has no query string (which may carry a speaker's token), no address and no connection id. The
role that API Gateway writes with is one per account and Region, so it is made only on request.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.policies import trust
from components.roles import RoleRules, service_role

# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
FIELDS = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "requestTime": "$context.requestTime",
    "eventType": "$context.eventType",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "integrationStatus": "$context.integration.status",
    "integrationLatencyMilliseconds": "$context.integrationLatency",
    "integrationError": "$context.integration.error",
    "authorizerLatencyMilliseconds": "$context.authorizer.latency",
    "authorizerError": "$context.authorizer.error",
    "error": "$context.error.message",
}
# AWS's managed policy for this role.
_WRITE_LOGS = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    """`manage_account`: whether to set API Gateway's logging role of the account and Region."""

    prefix: str
    retention_days: int
    manage_account: bool
    partition: pulumi.Input[str]
    role_rules: RoleRules


class AccessLogs(pulumi.ComponentResource):
    """The log group, and the account's role on request.

    `needed_first` must exist before a stage that logs.
    """

    log_group_name: pulumi.Output[str]
    needed_first: list[pulumi.Resource]

    def __init__(
        self, name: str, args: AccessLogsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:access_logs:AccessLogs", name, None, opts)
        child = ResourceOptions(parent=self)
        self._log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/apigateway/{args.prefix}",
            retention_in_days=args.retention_days,
            opts=child,
        )
        self.log_group_name = self._log_group.name
        self.needed_first = [self._log_group]
        if args.manage_account:
            self.needed_first.append(self._create_account(name, args))
        self.register_outputs({"logGroupName": self.log_group_name})

    def _create_account(self, name: str, args: AccessLogsArgs) -> aws.apigateway.Account:
        # All three are kept when the stack is destroyed, since other APIs of the account may use
        # them. Pulumi names the role: a fixed name would collide when the stack is created again.
        kept = ResourceOptions(parent=self, retain_on_delete=True)
        role = service_role(
            f"{name}-role",
            trust_policy=trust("apigateway.amazonaws.com"),
            rules=args.role_rules,
            opts=kept,
        )
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-role-policy",
            role=role.name,
            policy_arn=pulumi.Output.concat(
                "arn:", args.partition, ":iam::aws:policy/", _WRITE_LOGS
            ),
            opts=kept,
        )
        return aws.apigateway.Account(
            f"{name}-account",
            cloudwatch_role_arn=role.arn,
            opts=ResourceOptions(parent=self, depends_on=[attachment], retain_on_delete=True),
        )

    def stage_settings(self) -> aws.apigatewayv2.StageAccessLogSettingsArgs:
        """The settings of a stage that writes to this log."""
        return aws.apigatewayv2.StageAccessLogSettingsArgs(
            destination_arn=self._log_group.arn, format=json.dumps(FIELDS)
        )
