"""The SNS topic that alarms notify, encrypted with its own key, and a subscriber if one is set.

CloudWatch needs access in the policies of both. The AWS managed key for SNS does not give it, and
alarms sent to a topic with that key are lost without an error:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.policies import alarm_topic_access, alarm_topic_key_access

DELETION_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    """`email` is sent a subscription to confirm; empty for no subscription."""

    prefix: str
    partition: pulumi.Input[str]
    account_id: pulumi.Input[str]
    email: str


class AlarmTopic(pulumi.ComponentResource):
    """The topic's ARN; CloudWatch alarms of this account alone may publish to it."""

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AlarmTopicArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:alarm_topic:AlarmTopic", name, None, opts)
        child = ResourceOptions(parent=self)
        key = self._create_key(name, args, child)
        topic = self._create_topic(name, args, key, child)
        self.arn = topic.arn
        self._create_policy(name, args, child)
        self._create_subscription(name, args, child)
        self.register_outputs({"arn": self.arn})

    def _create_key(self, name: str, args: AlarmTopicArgs, child: ResourceOptions) -> aws.kms.Key:
        key = aws.kms.Key(
            f"{name}-key",
            description=f"The alarms of {args.prefix}, on their way through SNS.",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            policy=alarm_topic_key_access(args.partition, args.account_id),
            opts=child,
        )
        aws.kms.Alias(
            f"{name}-key-alias",
            name=f"alias/{args.prefix}-alarms",
            target_key_id=key.key_id,
            opts=child,
        )
        return key

    def _create_topic(
        self, name: str, args: AlarmTopicArgs, key: aws.kms.Key, child: ResourceOptions
    ) -> aws.sns.Topic:
        return aws.sns.Topic(
            f"{name}-topic",
            name=f"{args.prefix}-alarms",
            kms_master_key_id=key.arn,
            opts=child,
        )

    def _create_policy(self, name: str, args: AlarmTopicArgs, child: ResourceOptions) -> None:
        aws.sns.TopicPolicy(
            f"{name}-topic-policy",
            arn=self.arn,
            policy=alarm_topic_access(self.arn, args.account_id),
            opts=child,
        )

    def _create_subscription(self, name: str, args: AlarmTopicArgs, child: ResourceOptions) -> None:
        if not args.email:
            return
        aws.sns.TopicSubscription(
            f"{name}-email",
            topic=self.arn,
            protocol="email",
            endpoint=args.email,
            opts=child,
        )
