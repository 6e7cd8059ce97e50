"""How the deployer creates alarms, their topics and subscriptions, and dashboards."""

import json
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deployer import Deployer, DeployError, Ledger
from tests.local.test_deployer import deploy

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
TOPIC = "aws:sns/topic:Topic"
ALARM_INPUTS: dict[str, Any] = {
    "namespace": "Test/deployer",
    "metricName": "TookMilliseconds",
    "dimensions": {"service": "declared"},
    "period": 60.0,
    "evaluationPeriods": 3.0,
    "threshold": 500.0,
    "comparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture
def deployer(shared_cloud: LocalCloud) -> Deployer:
    return Deployer(shared_cloud.account, Ledger())


def test_a_topic_has_its_key_its_policy_its_subscriber_and_its_tags(
    shared_cloud: LocalCloud,
) -> None:
    ledger = Ledger()
    first, second = (Deployer(shared_cloud.account, ledger) for _ in range(2))
    key_policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    key_id, key = deploy(
        first,
        "aws:kms/key:Key",
        "key",
        {
            "description": "alarms",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7.0,
            "policy": key_policy,
            "tags": {"Own": "b"},
        },
    )
    alias = deploy(
        first, "aws:kms/alias:Alias", "alias", {"name": "alias/subscribed", "targetKeyId": key_id}
    )[1]
    arn, topic = deploy(
        first,
        TOPIC,
        "subscribed",
        {"name": "subscribed", "kmsMasterKeyId": key["arn"], "tags": {"Own": "b"}},
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": [], "Id": "ours"})
    deploy(first, "aws:sns/topicPolicy:TopicPolicy", "subscribed", {"arn": arn, "policy": policy})
    subscriber = {"topic": arn, "protocol": "email", "endpoint": "ops@example.com"}
    subscription = deploy(
        first, "aws:sns/topicSubscription:TopicSubscription", "subscribed", subscriber
    )[1]

    kms, sns = shared_cloud.client("kms"), shared_cloud.client("sns")
    described = kms.describe_key(KeyId="alias/subscribed")["KeyMetadata"]
    assert (described["Arn"], described["Description"]) == (key["arn"], "alarms")
    assert key["arn"] == alias["targetKeyArn"] == topic["kmsMasterKeyId"]
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    assert kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"] == key_policy
    tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
    assert {tag["TagKey"]: tag["TagValue"] for tag in tags} == key["tagsAll"] == {"Own": "b"}
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["KmsMasterKeyId"], attributes["Policy"]) == (key["arn"], policy)
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "Own", "Value": "b"}]
    [listed] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert (listed["Endpoint"], listed["SubscriptionArn"]) == (
        "ops@example.com",
        subscription["arn"],
    )

    changed = {"name": "subscribed", "displayName": "Alarms", "tags": {"Own": "b"}}
    assert deploy(second, TOPIC, "subscribed", changed)[0] == arn
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["Policy"]) == ("Alarms", policy)


def test_an_attribute_that_topics_do_not_have_is_an_error(deployer: Deployer) -> None:
    with pytest.raises(DeployError, match="sqsSuccessFeedbackRoleArn"):
        deploy(deployer, TOPIC, "odd", {"name": "odd-topic", "sqsSuccessFeedbackRoleArn": "arn"})


def test_a_dashboard_is_put_and_put_again(shared_cloud: LocalCloud) -> None:
    ledger, client = Ledger(), shared_cloud.client("cloudwatch")
    for body in ('{"widgets": []}', '{"widgets": [], "start": "-PT3H"}'):
        inputs = {"dashboardName": "watched", "dashboardBody": body}
        outputs = deploy(Deployer(shared_cloud.account, ledger), DASHBOARD, "watched", inputs)[1]
        found = client.get_dashboard(DashboardName="watched")
        assert (found["DashboardBody"], found["DashboardArn"]) == (body, outputs["dashboardArn"])


def test_an_alarm_has_all_that_it_is_declared_with(
    shared_cloud: LocalCloud, deployer: Deployer
) -> None:
    topic = f"arn:aws:sns:us-east-1:{shared_cloud.account.account_id}:subscribed"
    deploy(
        deployer,
        ALARM,
        "declared",
        {
            **ALARM_INPUTS,
            "name": "declared",
            "extendedStatistic": "p95",
            "datapointsToAlarm": 2.0,
            "treatMissingData": "breaching",
            "alarmActions": [topic],
            "okActions": [topic],
        },
    )
    client = shared_cloud.client("cloudwatch")
    [alarm] = client.describe_alarms(AlarmNames=["declared"])["MetricAlarms"]
    client.delete_alarms(AlarmNames=["declared"])
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "declared"}]
    assert (alarm["ExtendedStatistic"], alarm["DatapointsToAlarm"]) == ("p95", 2)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"dimensions": {}}, "no dimensions"),
        ({"unit": "Seconds"}, "unit"),
        ({"metricQueries": [{"id": "m1"}]}, "metricQueries"),
    ],
)
def test_an_alarm_that_is_not_evaluated_here_is_an_error(
    deployer: Deployer, changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(DeployError, match=rf"'strange' has {named}: .*local/alarms/"):
        deploy(deployer, ALARM, "strange", {**ALARM_INPUTS, "name": "strange", **changed})
