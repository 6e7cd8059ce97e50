"""What Lambda itself sets, read into a record."""

from __future__ import annotations

import pytest

from live_sessions.environment import AwsEnvironment, EnvironmentProblem, read

LAMBDA = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret-key",
    "AWS_SESSION_TOKEN": "secret-token",
}


def test_the_local_clouds_endpoints_may_be_left_out() -> None:
    aws = read(AwsEnvironment, LAMBDA)
    assert aws == AwsEnvironment("eu-central-1", "AKIDEXAMPLE", "secret-key", "secret-token")
    assert aws.dynamodb_endpoint == "https://dynamodb.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ({"AWS_ENDPOINT_URL": "http://all"}, "http://all"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://one"}, "http://one"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_DYNAMODB": "http://one"},
            "http://one",
        ),
    ],
)
def test_an_endpoint_of_dynamodb_alone_comes_before_that_of_every_service(
    endpoints: dict[str, str], expected: str
) -> None:
    assert read(AwsEnvironment, LAMBDA | endpoints).dynamodb_endpoint == expected


def test_the_region_may_go_by_its_other_name() -> None:
    other = {**LAMBDA, "AWS_DEFAULT_REGION": "eu-west-1"}
    assert read(AwsEnvironment, other).aws_region == "eu-central-1"
    del other["AWS_REGION"]
    assert read(AwsEnvironment, other).aws_region == "eu-west-1"


def test_what_may_not_be_left_out_is_named() -> None:
    with pytest.raises(EnvironmentProblem) as problem:
        read(AwsEnvironment, {})
    assert "AWS_REGION is not set; AWS_ACCESS_KEY_ID is not set" in str(problem.value)
    assert "TOKEN" not in str(problem.value)


def test_no_secret_is_in_the_records_text() -> None:
    assert "secret" not in repr(read(AwsEnvironment, LAMBDA))
