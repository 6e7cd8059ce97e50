"""Users of a stack's user pool: creating one as an operator does, and signing in."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from client.account import aws_session

ANSWER_TIMEOUT_SECONDS = 10.0
# Appended so that every password has a lower-case letter, an upper-case letter and a digit, which
# the pool's password policy requires.
REQUIRED_CHARACTERS = "-aA1"


@dataclass(frozen=True)
class Tokens:
    """The result of a sign-in. Either token may open a speaker's socket."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


def sign_in(
    outputs: Mapping[str, Any], username: str | None = None, password: str | None = None
) -> str:
    """Return a Cognito ID token of the user, by default of the local cloud's own speaker.

    `outputs` are the stack's outputs; only a local cloud's include that speaker. Raises what
    `tokens_of` raises.
    """
    return tokens_of(
        outputs, username or outputs["speakerUsername"], password or outputs["speakerPassword"]
    ).id_token


def tokens_of(outputs: Mapping[str, Any], username: str, password: str) -> Tokens:
    """Sign in by password, or by SRP if the stack does not allow passwords to be sent.

    Raises botocore's ClientError, NotAuthorizedException among others, and BotoCoreError.
    """
    region = outputs["userPoolId"].partition("_")[0]
    cognito = _cognito(region, outputs.get("emulatorUrl"))
    try:
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=outputs["userPoolClientId"],
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
    except ClientError as error:
        # The message that Cognito sends if allowPasswordAuthentication is false.
        if "USER_PASSWORD_AUTH" not in str(error):
            raise
        answer = _by_srp(cognito, outputs, username, password)
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result["AccessToken"])


def new_password() -> str:
    """Return a random password that satisfies the pool's password policy."""
    return secrets.token_urlsafe(24) + REQUIRED_CHARACTERS


def add_user(cognito: Any, pool: str, username: str, password: str) -> None:
    """Create a confirmed user and send no email; `cognito` is a boto3 client, `pool` the pool's id.

    Raises botocore's ClientError and BotoCoreError.
    """
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": username},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=username, Password=password, Permanent=True
    )


def _by_srp(
    cognito: Any, outputs: Mapping[str, Any], username: str, password: str
) -> dict[str, Any]:
    from pycognito.aws_srp import AWSSRP  # slow to import, and rarely needed

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
