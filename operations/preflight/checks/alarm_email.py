"""The confirmation of the alarm topic's subscription, which only its addressee can give."""

from collections.abc import Iterator

from operations.verify.checks.alarm_topic import SUBSCRIPTION, TOPIC, subscriptions
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, not_tried


def alarm_email(context: Context) -> Iterator[Verdict]:
    """Check the subscribers of the stack's topics, as far as they exist yet."""
    sns, identity = context.deployment.client("sns"), context.deployment.identity
    declared = {each["topic"] for each in context.declared.of(SUBSCRIPTION).values()}
    for name in context.declared.named(TOPIC):
        arn = f"arn:{identity.partition}:sns:{identity.region}:{identity.account_id}:{name}"
        try:
            sns.get_topic_attributes(TopicArn=arn)
        except sns.exceptions.NotFoundException:
            after = "open the link in AWS's email" if declared else "set alarmEmail, or subscribe"
            yield not_tried(f"subscribers of {name}", "the topic does not exist yet", after)
            continue
        yield from subscriptions(context, arn)
