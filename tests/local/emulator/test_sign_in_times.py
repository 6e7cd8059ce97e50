"""What clients of OpenID Connect check when a token is renewed."""

import time
from typing import Any

import jwt

from client.sign_in import add_user, new_password
from local.emulator.process import Emulator
from tests.patience import wait_until

USERNAME = "ada@example.com"


def test_a_renewed_token_has_the_time_of_the_sign_in(emulator: Emulator) -> None:
    cognito = emulator.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="times")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="times",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    password = new_password()
    add_user(cognito, pool, USERNAME, password)

    def signed_in() -> dict[str, Any]:
        return cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": USERNAME, "PASSWORD": password},
        )["AuthenticationResult"]

    first = signed_in()
    at = claims(first)["auth_time"]
    wait_until(lambda: int(time.time()) > at)
    renewed = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": first["RefreshToken"]},
    )["AuthenticationResult"]
    assert claims(renewed)["auth_time"] == at
    assert claims(renewed)["iat"] > at
    assert claims(signed_in())["auth_time"] > at


def claims(tokens: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(tokens["IdToken"], options={"verify_signature": False})
