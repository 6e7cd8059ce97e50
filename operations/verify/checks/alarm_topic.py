"""The alarms' topic: its policy, its encryption key, and its subscribers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from operations.verify.context import Context
from operations.verify.policies import faults_by_sid
from operations.verify.verdicts import Verdict, not_tried, right, wrong

TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
PENDING = "PendingConfirmation"


def alarm_topic(context: Context, arn: str) -> Iterator[Verdict]:
    """Check the topic. If CloudWatch may not use it or its key, notifications are lost silently."""
    sns, repair = context.deployment.client("sns"), context.deployment.repair
    name = arn.rpartition(":")[2]
    try:
        live = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    except sns.exceptions.NotFoundException:
        yield wrong(f"topic {name}", "does not exist: no one is notified", repair)
        return
    if inputs := context.declared.named(TOPIC).get(name):
        faults = [
            *_policy_faults(context, arn, live),
            *_key_faults(context, inputs.get("kmsMasterKeyId", ""), live.get("KmsMasterKeyId", "")),
        ]
        yield from (wrong(f"topic {name}", fault, repair) for fault in faults)
        if not faults:
            yield right(f"topic {name}", "its policy, its key and the key's policy are as declared")
    yield from subscriptions(context, arn)


def _policy_faults(context: Context, arn: str, live: Mapping[str, str]) -> Iterator[str]:
    found = json.loads(live.get("Policy", "{}"))
    for inputs in context.declared.of(TOPIC_POLICY).values():
        if inputs["arn"] == arn:
            yield from faults_by_sid(json.loads(inputs["policy"]), found)


def _key_faults(context: Context, declared: str, live: str) -> Iterator[str]:
    """The declared key is found by its alias, because AWS assigns its id."""
    if not declared or not live:
        if declared or live:
            yield f"is encrypted by {live or 'no key'}, declared is {declared or 'none'}"
        return
    kms, key = context.deployment.client("kms"), declared.rpartition("/")[2]
    inputs = context.declared.of(KEY).get(key, {})
    try:
        used = kms.describe_key(KeyId=live)["KeyMetadata"]
        for alias in context.declared.of(ALIAS).values():
            if alias["targetKeyId"] != key:
                continue
            known = kms.describe_key(KeyId=alias["name"])["KeyMetadata"]
            if known["KeyId"] != used["KeyId"]:
                yield f"is encrypted by {live}, declared is {alias['name']}"
                return
        if used["KeyState"] != "Enabled":
            yield f"its key is {used['KeyState']}: notifications are lost"
        answer = kms.get_key_policy(KeyId=used["KeyId"], PolicyName="default")
    except kms.exceptions.NotFoundException:
        yield f"its key {live} or the alias does not exist: notifications are lost"
        return
    if policy := inputs.get("policy"):
        faults = faults_by_sid(json.loads(policy), json.loads(answer["Policy"]))
        yield from (f"its key's policy {fault}" for fault in faults)


def subscriptions(context: Context, arn: str) -> Iterator[Verdict]:
    """An address that has not confirmed its subscription receives nothing."""
    sns, name = context.deployment.client("sns"), arn.rpartition(":")[2]
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    live = [each for page in pages for each in page["Subscriptions"]]
    declared = [each for each in context.declared.of(SUBSCRIPTION).values() if each["topic"] == arn]
    for inputs in declared:
        yield _subscription(context, inputs, live)
    confirmed = [each for each in live if each["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        seen = f"{len(confirmed)} confirmed: {', '.join(sorted(_kinds(confirmed)))}"
        yield right(f"subscribers of {name}", seen)
    elif not declared:
        waiting = f", {len(live)} not confirmed" if live else ""
        yield not_tried(
            f"subscribers of {name}",
            f"no confirmed subscriber{waiting}: alarms notify no one",
            f"set alarmEmail in Pulumi.{context.deployment.stack}.yaml, or `aws sns subscribe "
            f"--topic-arn {arn} --protocol email --notification-endpoint ADDRESS`, and confirm it",
        )


def _subscription(
    context: Context, inputs: Mapping[str, Any], live: list[dict[str, Any]]
) -> Verdict:
    subject = f"{inputs['protocol']} subscription to {inputs['topic'].rpartition(':')[2]}"
    arns = [each["SubscriptionArn"] for each in live if each["Endpoint"] == inputs["endpoint"]]
    if not arns:
        return wrong(subject, "does not exist: no one is notified", context.deployment.repair)
    if PENDING in arns:
        way_out = "open the link in the email from AWS"
        return wrong(subject, "is not confirmed: no one is notified", way_out)
    return right(subject, "confirmed")


def _kinds(subscriptions: list[dict[str, Any]]) -> set[str]:
    return {str(each.get("Protocol", "unknown")) for each in subscriptions}
