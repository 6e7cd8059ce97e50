"""A speaker's tokens, from Cognito or the local cloud's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from client.aws_session import aws_session

ANSWER_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Tokens:
    """What one sign-in gives: the ID token opens a speaker's socket, the access token must not."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


def sign_in(
    outputs: Mapping[str, Any], username: str | None = None, password: str | None = None
) -> str:
    """Return a Cognito ID token; without a name, the local speaker's.

    `outputs` are a local cloud's, or those of a stack on AWS.
    """
    return tokens_of(
        outputs, username or outputs["speakerUsername"], password or outputs["speakerPassword"]
    ).id_token


def tokens_of(outputs: Mapping[str, Any], username: str, password: str) -> Tokens:
    """Sign in by password, or by SRP where the stack does not allow that."""
    region = outputs["userPoolId"].partition("_")[0]
    cognito = _cognito(region, outputs.get("emulatorUrl"))
    try:
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=outputs["userPoolClientId"],
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
    except ClientError as error:
        # Cognito says so where allowPasswordAuthentication is false.
        if "USER_PASSWORD_AUTH" not in str(error):
            raise
        answer = _by_srp(cognito, outputs, username, password)
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result["AccessToken"])


def _by_srp(
    cognito: Any, outputs: Mapping[str, Any], username: str, password: str
) -> dict[str, Any]:
    from pycognito.aws_srp import AWSSRP  # who signs in by password need not load it

    return AWSSRP(
        username=username,
        password=password,
        pool_id=outputs["userPoolId"],
        client_id=outputs["userPoolClientId"],
        client=cognito,
    ).authenticate_user()


@cache
def _cognito(region: str, emulator_url: str | None) -> Any:
    return aws_session(region=region).client(
        "cognito-idp",
        endpoint_url=emulator_url,
        config=Config(
            signature_version=UNSIGNED,
            proxies={} if emulator_url else None,
            read_timeout=ANSWER_TIMEOUT_SECONDS,
        ),
    )
