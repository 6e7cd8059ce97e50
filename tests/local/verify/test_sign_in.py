"""Which tokens a run uses, and how it obtains them."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from client.sign_in import sign_in, tokens_of
from client.speaker_options import PASSWORD_VARIABLE, TOKEN_VARIABLE
from local.cloud import LocalCloud
from local.outputs import SPEAKER_USERNAME
from operations.verify.deployment import CannotVerify, Deployment
from operations.verify.options import Options
from operations.verify.speaker import speaker_tokens


@pytest.fixture
def without_password_flow(verified_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """As a stack whose allowPasswordAuthentication is false."""
    cognito, outputs = verified_cloud.client("cognito-idp"), verified_cloud.outputs
    ids = {"UserPoolId": outputs["userPoolId"], "ClientId": outputs["userPoolClientId"]}
    flows = cognito.describe_user_pool_client(**ids)["UserPoolClient"]["ExplicitAuthFlows"]
    kept = [flow for flow in flows if flow != "ALLOW_USER_PASSWORD_AUTH"]
    assert len(kept) < len(flows)
    cognito.update_user_pool_client(**ids, ExplicitAuthFlows=kept)
    yield verified_cloud
    cognito.update_user_pool_client(**ids, ExplicitAuthFlows=flows)


def test_a_stack_without_the_password_flow_is_signed_in_to_by_srp(
    without_password_flow: LocalCloud,
) -> None:
    cloud = without_password_flow
    token = sign_in(cloud.outputs)
    assert cloud.speaker(token=token).ask("heartbeat").type == "heartbeatAck"
    with pytest.raises(ClientError, match="NotAuthorized"):
        tokens_of(cloud.outputs, SPEAKER_USERNAME, "another-Password-1")
    cloud.participants.close()


def test_a_named_user_is_signed_in_and_not_deleted(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, deployment.outputs["speakerPassword"])
    for _ in range(2):
        with speaker_tokens(deployment, Options(username=SPEAKER_USERNAME), print) as tokens:
            assert tokens.id_token.startswith("eyJ")
            assert "eyJ" not in repr(tokens)


def test_a_wrong_password_is_reported_with_the_fix_and_not_printed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong-Password-1")
    options = Options(username=SPEAKER_USERNAME)
    with (
        pytest.raises(CannotVerify, match=f"{SPEAKER_USERNAME} cannot sign in.*--token") as raised,
        speaker_tokens(deployment, options, print),
    ):
        pass
    assert "wrong-Password-1" not in str(raised.value)


def test_a_token_in_the_environment_is_used_unchanged(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "one.two.three")
    with speaker_tokens(deployment, Options(), print) as tokens:
        assert (tokens.id_token, tokens.access_token) == ("one.two.three", "")
