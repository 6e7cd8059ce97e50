"""A stack on AWS, played by the local cloud behind boto3's own endpoint setting."""

import dataclasses
from collections.abc import Callable

import pytest

from local.cloud import LocalCloud
from operations.verify import tokens
from operations.verify.context import Context
from operations.verify.declared import Declared
from operations.verify.deployment import CannotVerify, Deployment, aws_deployment
from operations.verify.options import Options
from operations.verify.verdicts import Result
from operations.verify.verification import prepared, run_checks

AsAws = Callable[[], Deployment]


@pytest.fixture
def as_aws(verified_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> AsAws:
    """Credentials and endpoint as the caller's shell has them."""
    cloud = verified_cloud
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.account.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", cloud.account.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", cloud.account.secret_access_key)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return lambda: aws_deployment("local", cloud.outputs, cloud.config())


def test_a_stack_is_checked_with_the_callers_own_credentials(
    as_aws: AsAws, declared: Declared
) -> None:
    options = Options(only=("functions", "tables", "rules", "queues", "routes", "exposure"))
    with prepared(as_aws(), declared, options, lambda _: None) as context:
        assert context.deployment.identity.account_id == "000000000000"
        assert context.run_clients is None, "no user is created unless a check needs one"
        rows = run_checks(context, options.only)
    assert {row.verdict.result for row in rows} == {Result.RIGHT}, rows


def test_tokens_that_only_cognito_can_sign_are_not_tried(as_aws: AsAws, context: Context) -> None:
    results = handshakes(context, as_aws())
    not_tried = {
        key: way_out for key, (result, way_out) in results.items() if result == "not tried"
    }
    assert not_tried.keys() == {"expired token", "token of another client"}
    assert "--expired-token-file" in not_tried["expired token"]
    assert "--foreign-token-file" in not_tried["token of another client"]


def test_given_tokens_are_tried_if_their_refusal_proves_something(
    as_aws: AsAws, context: Context
) -> None:
    fresh, folder = context.clients.tokens.id_token, context.deployment.emulator_folder
    assert folder is not None
    expired, foreign = tokens.expired(fresh, folder), tokens.of_another_client(fresh, folder)
    for old, other, result in (
        (expired, foreign, Result.RIGHT),
        (fresh, fresh, Result.NOT_CHECKED),
        (foreign, expired, Result.NOT_CHECKED),
    ):
        results = handshakes(context, as_aws(), expired_token=old, foreign_token=other)
        assert results["expired token"][0] is result, results
        assert results["token of another client"][0] is result, results


def test_an_api_outside_the_account_is_reported_with_the_fix(
    as_aws: AsAws, verified_cloud: LocalCloud
) -> None:
    cloud = verified_cloud
    endpoint = "https://abcde12345.execute-api.us-east-1.amazonaws.com/live"
    outputs = {**cloud.outputs, "managementEndpoint": endpoint}
    as_aws()
    with pytest.raises(CannotVerify, match=r"API abcde12345 .* account 000000000000.*credentials"):
        aws_deployment("local", outputs, cloud.config())


def handshakes(
    context: Context, deployment: Deployment, **given: str | None
) -> dict[str, tuple[Result, str]]:
    """Result and way out by subject."""
    on_aws = dataclasses.replace(context, deployment=deployment, **given)
    verdicts = [row.verdict for row in run_checks(on_aws, ["handshakes"])]
    return {each.subject: (each.result, each.way_out) for each in verdicts}
