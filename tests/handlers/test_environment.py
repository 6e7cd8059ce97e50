"""Environment variables, read into the records that the functions use."""

from __future__ import annotations

import pytest

from contract.functions import DisconnectEnvironment
from live_sessions.aws.runtime import AwsEnvironment, EnvironmentProblem, read_environment

LAMBDA = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret-key",
    "AWS_SESSION_TOKEN": "secret-token",
}


def test_the_endpoints_of_the_local_cloud_are_optional() -> None:
    aws = read_environment(AwsEnvironment, LAMBDA)
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
def test_dynamodbs_own_endpoint_takes_precedence_over_the_endpoint_of_all_services(
    endpoints: dict[str, str], expected: str
) -> None:
    assert read_environment(AwsEnvironment, LAMBDA | endpoints).dynamodb_endpoint == expected


def test_the_region_may_have_its_other_name() -> None:
    variables = {**LAMBDA, "AWS_DEFAULT_REGION": "eu-west-1"}
    assert read_environment(AwsEnvironment, variables).aws_region == "eu-central-1"
    del variables["AWS_REGION"]
    assert read_environment(AwsEnvironment, variables).aws_region == "eu-west-1"


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(EnvironmentProblem) as problem:
        read_environment(AwsEnvironment, {})
    assert "AWS_REGION is not set." in str(problem.value)
    # A function that starts from a snapshot has no keys in its environment.
    assert "AWS_ACCESS_KEY_ID" not in str(problem.value)


def test_every_problem_of_an_environment_is_in_one_message() -> None:
    with pytest.raises(EnvironmentProblem) as problem:
        read_environment(
            DisconnectEnvironment,
            {"SESSIONS_TABLE": "s", "CONNECTIONS_TABLE": "", "SPEAKER_GRACE_SECONDS": "ten"},
        )
    for text in (
        "CONNECTIONS_TABLE is not set",
        "FAN_OUT_FUNCTION is not set",
        "SESSION_CHECKS_QUEUE_URL is not set",
        "SPEAKER_GRACE_SECONDS is 'ten', which is not a whole number",
    ):
        assert text in str(problem.value)
    assert "SESSIONS_TABLE is" not in str(problem.value)


def test_no_secret_is_in_the_records_text() -> None:
    assert "secret" not in repr(read_environment(AwsEnvironment, LAMBDA))
