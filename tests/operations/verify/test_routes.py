"""The API and its stage, as API Gateway returns them."""

from typing import Any

import pytest

from operations.verify.checks.routes import API, STAGE, api, stage
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of, declared

LOG = "arn:aws:logs:eu-central-1:998877665544:log-group:/access"
SETTINGS = {
    "dataTraceEnabled": False,
    "detailedMetricsEnabled": True,
    "loggingLevel": "OFF",
    "throttlingRateLimit": 500,
    "throttlingBurstLimit": 250,
}
LIVE_SETTINGS = {
    "DataTraceEnabled": False,
    "DetailedMetricsEnabled": True,
    "LoggingLevel": "OFF",
    "ThrottlingRateLimit": 500.0,
    "ThrottlingBurstLimit": 250,
}
LIVE_LOG = {"DestinationArn": f"{LOG}:*", "Format": "$context.requestId"}


def stage_verdict(
    settings: dict[str, Any] | None = None, log: dict[str, str] | None = None
) -> Verdict:
    live = {
        "StageName": "live",
        "DeploymentId": "d",
        "DefaultRouteSettings": LIVE_SETTINGS | (settings or {}),
        "AccessLogSettings": LIVE_LOG | (log or {}),
    }
    aws = Service(
        get_stages={"Items": [live]},
        get_deployments={"Items": [{"DeploymentId": "d", "CreatedDate": 1}]},
    )
    inputs = {
        "name": "live",
        "defaultRouteSettings": SETTINGS,
        "accessLogSettings": {"destinationArn": LOG, "format": "$context.requestId"},
    }
    [verdict] = stage(context_of(declared(STAGE, "stage", **inputs), client=lambda service: aws))
    return verdict


def test_a_stage_as_declared_is_right() -> None:
    assert stage_verdict().result is Result.RIGHT


@pytest.mark.parametrize(
    ("settings", "log", "name"),
    [
        ({"DetailedMetricsEnabled": False}, {}, "DetailedMetricsEnabled"),
        ({"ThrottlingRateLimit": 1.0}, {}, "ThrottlingRateLimit"),
        ({"ThrottlingBurstLimit": 1}, {}, "ThrottlingBurstLimit"),
        ({}, {"Format": "$context.connectionId"}, "access log format"),
        ({}, {"DestinationArn": LOG + "-other"}, "access log"),
    ],
)
def test_a_stage_setting_that_differs_is_reported(
    settings: dict[str, Any], log: dict[str, str], name: str
) -> None:
    verdict = stage_verdict(settings, log)
    assert verdict.result is Result.WRONG
    assert verdict.seen.startswith(f"{name} is ")


def test_another_route_selection_expression_is_reported() -> None:
    inputs = {
        "name": "api",
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
    }
    for expression, count in (("$request.body.action", 0), ("$request.body.kind", 1)):
        live = {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": expression}
        aws = Service(get_api=live)
        found = list(
            api(context_of(declared(API, "api", **inputs), client=lambda service, a=aws: a))
        )
        assert len(found) == count
        assert all(each.seen.startswith("RouteSelectionExpression is ") for each in found)
