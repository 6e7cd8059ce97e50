"""API Gateway's logging role and the alarm topic's subscribers."""

from typing import Any

import pytest

from operations.preflight.checks.alarm_email import alarm_email
from operations.preflight.checks.logging_role import ACCOUNT, SUBJECT, logging_role
from operations.verify.checks.alarm_topic import SUBSCRIPTION, TOPIC
from operations.verify.checks.routes import STAGE
from operations.verify.context import Context
from operations.verify.verdicts import Result, Verdict
from tests.operations.preflight.accounts import ACCOUNT_ID, REGION, account, emulated, results
from tests.operations.verify.contexts import Service, declared, missing

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/service/logs-of-gateway"
TOPIC_NAME = "live-sessions-staging-alarms"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{TOPIC_NAME}"


def logging(
    *, role: str | None, exists: bool = True, tokens: tuple[str, ...] = (STAGE,)
) -> Verdict:
    def get_role(*, RoleName: str) -> Any:
        assert RoleName == "logs-of-gateway", "the path is no part of the name"
        return {} if exists else missing()

    clients = {
        "apigateway": Service(get_account={"cloudwatchRoleArn": role} if role else {}),
        "iam": Service(get_role=get_role),
    }
    [verdict] = results(logging_role, account(clients, tokens=tokens)).values()
    assert verdict.subject == SUBJECT
    return verdict


def test_access_logs_without_the_accounts_role_are_wrong() -> None:
    verdict = logging(role=None)
    assert verdict.result is Result.WRONG
    assert "manageApiGatewayAccount" in verdict.way_out


def test_access_logs_with_the_role_are_right() -> None:
    assert logging(role=ROLE).result is Result.RIGHT


def test_a_role_that_was_deleted_is_wrong() -> None:
    assert logging(role=ROLE, exists=False).seen == f"is {ROLE}, which does not exist"


def test_a_stack_that_sets_the_role_itself_needs_none() -> None:
    assert logging(role=None, tokens=(STAGE, ACCOUNT)).result is Result.RIGHT


def test_a_stack_without_access_logs_needs_none() -> None:
    stage = declared(STAGE, "stage", name="staging", defaultRouteSettings={})
    [verdict] = results(logging_role, account({}, stage, tokens=[])).values()
    assert verdict.seen == "not needed: accessLogs is false"


def subscribed(email: str = "ops@example.com") -> Context:
    subscription = declared(
        SUBSCRIPTION, "email", topic=TOPIC_ARN, protocol="email", endpoint=email
    )
    return account(None, subscription, tokens=[TOPIC])


def test_before_the_first_deployment_there_is_no_subscription_to_confirm() -> None:
    [verdict] = results(alarm_email, subscribed()).values()
    assert (verdict.result, verdict.seen) == (Result.NOT_TRIED, "the topic does not exist yet")


@pytest.mark.parametrize(
    ("arn", "result", "seen"),
    [
        (f"{TOPIC_ARN}:1", Result.RIGHT, "confirmed"),
        ("PendingConfirmation", Result.WRONG, "is not confirmed: no one is notified"),
    ],
)
def test_the_subscription_must_be_confirmed(arn: str, result: Result, seen: str) -> None:
    live = {"Endpoint": "ops@example.com", "SubscriptionArn": arn, "Protocol": "email"}
    sns = Service(get_topic_attributes={}, list_subscriptions_by_topic={"Subscriptions": [live]})
    context = subscribed()
    given = account({"sns": sns}, *context.declared.resources, tokens=[])
    verdict = results(alarm_email, given)[f"email subscription to {TOPIC_NAME}"]
    assert (verdict.result, verdict.seen) == (result, seen)


def test_a_stack_without_an_email_says_how_to_subscribe() -> None:
    emulated("sns").create_topic(Name=TOPIC_NAME)
    [verdict] = results(alarm_email, account(tokens=[TOPIC])).values()
    assert verdict.result is Result.NOT_TRIED
    assert "alarmEmail" in verdict.way_out
