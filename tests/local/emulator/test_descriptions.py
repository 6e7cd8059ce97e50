"""What APIs, authorizers and alarms say of themselves, as the AWS provider of Pulumi reads it."""

import urllib.request
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.emulator.process import Emulator
from tests.local.emulator.sockets import STAGE, SocketApi, patient_connect
from tests.patience import PATIENCE_SECONDS

CLOUDWATCH = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"
ALARM: dict[str, Any] = {
    "AlarmDescription": "More than 5 <per minute> & late.",
    "Namespace": "Test",
    "MetricName": "Late",
    "Period": 120,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "ActionsEnabled": True,
    "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:one"],
    "OKActions": ["arn:aws:sns:us-east-1:000000000000:one"],
    "Dimensions": [{"Name": "QueueName", "Value": "one"}, {"Name": "Kind", "Value": "two"}],
}


def described_by_query(emulator: Emulator, **parameters: str) -> list[ElementTree.Element]:
    """The alarms that DescribeAlarms answers with in the query protocol; boto3 uses another."""
    body = urlencode({"Action": "DescribeAlarms", "Version": "2010-08-01", **parameters})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{emulator.url}/"
    signed = AWSRequest("POST", url, headers=headers, data=body)
    keys = Credentials(emulator.access_key_id, emulator.secret_access_key)
    SigV4Auth(keys, "monitoring", emulator.region).add_auth(signed)
    request = urllib.request.Request(url, body.encode(), dict(signed.headers))  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
        tree = ElementTree.parse(answer)  # noqa: S314
    return tree.findall(f".//{CLOUDWATCH}MetricAlarms/{CLOUDWATCH}member")


def plain(element: ElementTree.Element) -> Any:
    """An element as text, a list or a dict."""
    if not len(element):
        return element.text
    if element[0].tag == f"{CLOUDWATCH}member":
        return [plain(each) for each in element]
    return {each.tag.removeprefix(CLOUDWATCH): plain(each) for each in element}


def test_the_sockets_of_a_websocket_api_are_opened_at_the_endpoint_that_it_names(
    api: SocketApi, emulator: Emulator
) -> None:
    named = emulator.client("apigatewayv2").get_api(ApiId=api.api_id)["ApiEndpoint"]
    with patient_connect(f"{named}/{STAGE}") as client:
        assert api.connection_id(client)


def test_an_http_api_names_an_http_endpoint(emulator: Emulator) -> None:
    created = emulator.client("apigatewayv2").create_api(Name="other", ProtocolType="HTTP")
    assert created["ApiEndpoint"].startswith("http://")


def test_an_authorizer_of_a_websocket_api_has_no_defaults_of_an_http_apis(
    authorized_api: SocketApi, emulator: Emulator
) -> None:
    gateway = emulator.client("apigatewayv2")
    [authorizer] = gateway.get_authorizers(ApiId=authorized_api.api_id)["Items"]
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert not authorizer.keys() & {
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "EnableSimpleResponses",
        "JwtConfiguration",
    }


def test_the_query_protocol_describes_all_of_an_alarm(emulator: Emulator) -> None:
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="summed", Statistic="Sum", **ALARM)
    [alarm] = described_by_query(emulator, **{"AlarmNames.member.1": "summed"})
    described = plain(alarm)
    in_text = {
        key: value if isinstance(value, str | list) else str(value).lower()
        for key, value in ALARM.items()
        if key != "Threshold"
    }
    assert in_text.items() <= described.items()
    assert float(described["Threshold"]) == ALARM["Threshold"]
    assert described["Statistic"] == "Sum"
    assert "ExtendedStatistic" not in described
    assert described["AlarmConfigurationUpdatedTimestamp"].startswith("20")


def test_an_alarm_on_a_percentile_has_no_other_statistic(emulator: Emulator) -> None:
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="p99", ExtendedStatistic="p99", **ALARM)
    [by_json] = cloudwatch.describe_alarms(AlarmNames=["p99"])["MetricAlarms"]
    [by_query] = described_by_query(emulator, AlarmNamePrefix="p9")
    for alarm in (by_json, plain(by_query)):
        assert alarm["ExtendedStatistic"] == "p99"
        assert "Statistic" not in alarm
