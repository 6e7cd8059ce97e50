"""An EventBridge rule that fires at a fixed rate, and its targets: functions and queues.

A failed delivery is retried and then kept in a queue. The targets' own policies give access to this
rule by its ARN; there is no role.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.cadence import MAXIMUM_TARGETS_PER_RULE
from components.handler_function import HandlerFunction
from components.message_queue import MessageQueue

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
MAXIMUM_NAME_LENGTH = 64
MAXIMUM_RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class ScheduleArgs:
    """`expression` is `rate(...)` in whole minutes; a rule that is not `enabled` never fires."""

    physical_name: str
    expression: str
    enabled: bool = True

    def __post_init__(self) -> None:
        if len(self.physical_name) > MAXIMUM_NAME_LENGTH:
            raise ValueError(
                f"Rule name {self.physical_name!r} must have at most {MAXIMUM_NAME_LENGTH}"
                " characters: shorten the stack's name."
            )


@dataclass(frozen=True, kw_only=True)
class EventShape:
    """What a target receives instead of the event: `template`, with EventBridge's own variables."""

    template: str


class Schedule(pulumi.ComponentResource):
    """One rule, without targets; `add_target` adds them."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(self, name: str, args: ScheduleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:schedule:Schedule", name, None, opts)
        self._resource_name = name
        self._target_count = 0
        self._child = ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=args.physical_name,
            schedule_expression=args.expression,
            state="ENABLED" if args.enabled else "DISABLED",
            opts=self._child,
        )
        self.arn = rule.arn
        self.name = rule.name
        self.register_outputs({"arn": self.arn, "name": self.name})

    def add_target(
        self,
        label: str,
        target: HandlerFunction | MessageQueue,
        *,
        failures: MessageQueue,
        maximum_event_age_seconds: int,
        shape: EventShape | None = None,
        former_labels: Sequence[str] = (),
    ) -> None:
        """Invokes a function or sends to a queue each time the rule fires.

        The function gets a permission for this rule alone. The queue and `failures` must name the
        rule in their policies (`MessageQueueArgs.rule_arn`). `former_labels` are
        those that the same target had before. Raises `ValueError` for too many targets.
        """
        self._target_count += 1
        if self._target_count > MAXIMUM_TARGETS_PER_RULE:
            raise ValueError(
                f"Rule {self._resource_name} has more than {MAXIMUM_TARGETS_PER_RULE} targets:"
                " make a second rule."
            )
        allowed: list[pulumi.Resource] = [failures.policy]
        if isinstance(target, HandlerFunction):
            allowed += target.permit(
                f"{self._resource_name}-{label}",
                principal="events.amazonaws.com",
                source_arn=self.arn,
                opts=self._child,
            )
        else:
            allowed.append(target.policy)
        transformer = None
        if shape is not None:
            transformer = aws.cloudwatch.EventTargetInputTransformerArgs(
                input_template=shape.template
            )
        aws.cloudwatch.EventTarget(
            f"{self._resource_name}-{label}-target",
            rule=self.name,
            target_id=label,
            arn=target.arn,
            input_transformer=transformer,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_retry_attempts=MAXIMUM_RETRIES,
                maximum_event_age_in_seconds=maximum_event_age_seconds,
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=failures.arn),
            opts=ResourceOptions(
                parent=self,
                # Otherwise a first event could come before its target accepts it.
                depends_on=allowed,
                # With another id, it must not be a sixth target beside itself, nor get an event
                # twice.
                delete_before_replace=True,
                aliases=[
                    pulumi.Alias(name=f"{self._resource_name}-{former}-target")
                    for former in former_labels
                ],
            ),
        )
