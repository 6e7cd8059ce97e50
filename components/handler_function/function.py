"""One Lambda function with its own log group, role, permissions and code.

The log group exists before the function can write to it, so its retention applies from the first
line. The role may write to that group and do what its grants say, nothing else. Each change of
code, layers or configuration publishes a version, and then moves the alias to it.
"""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.handler_function.arguments import HandlerFunctionArgs
from components.handler_function.invocation import (
    QUALIFIERS,
    invoke_statement,
    name_for,
)
from components.layers import HANDLERS
from components.policies import Statement, permissions, trust
from components.roles import service_role
from contract.functions import LIVE

SEND_TRACES = Statement.about_everything(
    sid="SendTraces",
    actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    reason="X-Ray has no resource type for traces:"
    " https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
)
SNAPSHOT_PER_VERSION = aws.lambda_.FunctionSnapStartArgs(apply_on="PublishedVersions")


class HandlerFunction(pulumi.ComponentResource):
    """A function and everything that exists for it alone.

    `entry` is its module in handlers/, which the `service` dimension of its metrics names too.
    `arn` and `invoke_arn` are the alias's, for whatever invokes it; `name` has no qualifier.
    """

    entry: str
    physical_name: str
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: HandlerFunctionArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:handler_function:HandlerFunction", name, None, opts)
        child = ResourceOptions(parent=self)
        self.entry = args.function.entry
        self.physical_name = args.platform.function_name(args.function)
        log_group = self._create_log_group(name, args, child)
        role = self._create_role(name, args, child)
        policy = self._create_policy(name, args, role, log_group, child)
        function = self._create_function(name, args, role, [log_group, policy])
        alias = self._create_alias(name, function, child)
        settings = self._create_invoke_configs(name, args, function, alias, child)
        self.name = function.name
        self._function_arn = function.arn
        self._alias_name = alias.name
        # Known once an invocation finds its asynchronous settings.
        self._qualified_name = _known_after(
            settings, pulumi.Output.concat(function.name, ":", alias.name)
        )
        self.arn = _known_after(settings, alias.arn)
        self.invoke_arn = _known_after(settings, alias.invoke_arn)
        self.log_group_name = log_group.name
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _create_log_group(
        self, name: str, args: HandlerFunctionArgs, child: ResourceOptions
    ) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{self.physical_name}",
            retention_in_days=args.platform.log_retention_days,
            opts=child,
        )

    def _create_role(
        self, name: str, args: HandlerFunctionArgs, child: ResourceOptions
    ) -> aws.iam.Role:
        return service_role(
            f"{name}-role",
            physical_name=self.physical_name,
            trust_policy=trust("lambda.amazonaws.com", args.platform.account_id),
            rules=args.platform.role_rules,
            opts=child,
        )

    def _create_policy(
        self,
        name: str,
        args: HandlerFunctionArgs,
        role: aws.iam.Role,
        log_group: aws.cloudwatch.LogGroup,
        child: ResourceOptions,
    ) -> aws.iam.RolePolicy:
        write_logs = Statement(
            sid="WriteOwnLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(pulumi.Output.concat(log_group.arn, ":*"),),
        )
        tracing = [SEND_TRACES] if args.platform.tracing else []
        return aws.iam.RolePolicy(
            f"{name}-policy",
            name="permissions",
            role=role.name,
            policy=permissions([write_logs, *tracing, *args.statements]),
            opts=child,
        )

    def _create_function(
        self,
        name: str,
        args: HandlerFunctionArgs,
        role: aws.iam.Role,
        needed_first: list[pulumi.Resource],
    ) -> aws.lambda_.Function:
        code = HANDLERS / f"{self.entry}.py"
        return aws.lambda_.Function(
            f"{name}-function",
            name=self.physical_name,
            role=role.arn,
            runtime=args.platform.runtime,
            architectures=[args.platform.architecture],
            handler=f"{self.entry}.handler",
            code=pulumi.AssetArchive({code.name: pulumi.FileAsset(str(code))}),
            publish=True,
            snap_start=SNAPSHOT_PER_VERSION if args.platform.snap_start else None,
            layers=[args.platform.layer_arn, *args.extra_layer_arns],
            memory_size=args.memory_megabytes,
            timeout=args.timeout_seconds,
            reserved_concurrent_executions=args.platform.reserved_concurrency.get(self.entry),
            # Without it, AWS would keep the mode that was set last.
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if args.platform.tracing else "PassThrough"
            ),
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={
                    "ENV": args.platform.stack,
                    "POWERTOOLS_SERVICE_NAME": self.entry,
                    "POWERTOOLS_METRICS_NAMESPACE": args.platform.metrics_namespace,
                    "POWERTOOLS_LOG_LEVEL": args.platform.log_level,
                    **args.environment,
                }
            ),
            opts=ResourceOptions(parent=self, depends_on=needed_first),
        )

    def _create_alias(
        self, name: str, function: aws.lambda_.Function, child: ResourceOptions
    ) -> aws.lambda_.Alias:
        return aws.lambda_.Alias(
            f"{name}-alias",
            name=LIVE,
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )

    def _create_invoke_configs(
        self,
        name: str,
        args: HandlerFunctionArgs,
        function: aws.lambda_.Function,
        alias: aws.lambda_.Alias,
        child: ResourceOptions,
    ) -> list[aws.lambda_.FunctionEventInvokeConfig]:
        if args.asynchronous is None:
            return []
        return [
            aws.lambda_.FunctionEventInvokeConfig(
                f"{name_for(name, qualifier)}-invoke-config",
                function_name=function.name,
                qualifier=qualifier and alias.name,
                maximum_retry_attempts=args.asynchronous.maximum_retries,
                maximum_event_age_in_seconds=args.asynchronous.maximum_event_age_seconds,
                destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                    on_failure=aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                        destination=args.asynchronous.on_failure_queue_arn
                    )
                ),
                opts=child,
            )
            for qualifier in QUALIFIERS
        ]

    def consume(
        self, name: str, queue_arn: pulumi.Input[str], former_names: Sequence[str] = ()
    ) -> None:
        """Invokes the function for each message of a queue, one at a time: each one fails alone.

        The function needs the queue's `consuming` grant. `former_names` are those that the same
        mapping had before.
        """
        aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=queue_arn,
            function_name=self.arn,
            batch_size=1,
            opts=ResourceOptions(
                parent=self,
                aliases=[pulumi.Alias(name=f"{former}-mapping") for former in former_names],
            ),
        )

    def permit(
        self, name: str, *, principal: str, source_arn: pulumi.Input[str], opts: ResourceOptions
    ) -> list[aws.lambda_.Permission]:
        """Lets a service invoke the function for one source.

        What makes the service do so has to depend on the permissions.
        """
        return [
            aws.lambda_.Permission(
                f"{name_for(name, qualifier)}-permission",
                action="lambda:InvokeFunction",
                function=self.name,
                qualifier=qualifier and self._alias_name,
                principal=principal,
                source_arn=source_arn,
                opts=opts,
            )
            for qualifier in QUALIFIERS
        ]

    def invoking(self, sid: str, variable: str) -> Grant:
        """Invoking this function, whose name and alias are in `variable`."""
        return Grant(
            statements=(invoke_statement(sid, self._function_arn),),
            variables={variable: self._qualified_name},
        )


def _known_after(
    resources: Sequence[pulumi.CustomResource], value: pulumi.Output[str]
) -> pulumi.Output[str]:
    """The value, with a dependency on the resources."""
    ids = [resource.id for resource in resources]
    return pulumi.Output.all(value, *ids).apply(lambda known: known[0])
