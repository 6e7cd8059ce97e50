"""SNS topics, their policies and their subscriptions."""

from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource

# Pulumi's input name → the topic attribute's name.
# https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
TOPIC_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
}


def create_topic(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    attributes = _attributes(resource, TOPIC_ATTRIBUTES, apart=("name",))
    arn = account.client("sns").create_topic(
        Name=name, Attributes=attributes, Tags=resource.tag_list
    )["TopicArn"]
    return _created(account, resource, name, arn)


def update_topic(account: Account, resource: Resource) -> Created:
    name = resource.inputs["name"]
    arn = f"arn:aws:sns:{account.region}:{account.account_id}:{name}"
    wanted = _attributes(resource, TOPIC_ATTRIBUTES, apart=("name",))
    for attribute, value in wanted.items():
        account.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName=attribute, AttributeValue=value
        )
    return _created(account, resource, name, arn)


def set_topic_policy(account: Account, resource: Resource) -> Created:
    arn = resource.inputs["arn"]
    account.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=resource.inputs["policy"]
    )
    return Created(id=arn, outputs={"owner": account.account_id})


def subscribe(account: Account, resource: Resource) -> Created:
    """Subscribe an endpoint. No e-mail is sent: an address counts as confirmed at once."""
    apart = ("topic", "protocol", "endpoint")
    arn = account.client("sns").subscribe(
        TopicArn=resource.inputs["topic"],
        Protocol=resource.inputs["protocol"],
        Endpoint=resource.inputs["endpoint"],
        Attributes=_attributes(resource, SUBSCRIPTION_ATTRIBUTES, apart),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created(id=arn, outputs={"arn": arn, "ownerId": account.account_id})


def _attributes(
    resource: Resource, names: dict[str, str], apart: tuple[str, ...]
) -> dict[str, str]:
    """Raises KeyError for an input that has no attribute."""
    return {
        names[key]: _text(value)
        for key, value in resource.inputs.items()
        if key not in (*apart, "region", "tags")
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _created(account: Account, resource: Resource, name: str, arn: str) -> Created:
    outputs = {"name": name, "arn": arn, "owner": account.account_id, "tagsAll": resource.tags}
    return Created(id=arn, outputs=outputs)


KINDS = {
    "aws:sns/topic:Topic": Kind(create_topic, update=update_topic),
    "aws:sns/topicPolicy:TopicPolicy": Kind(set_topic_policy, update=set_topic_policy),
    "aws:sns/topicSubscription:TopicSubscription": Kind(subscribe),
}
