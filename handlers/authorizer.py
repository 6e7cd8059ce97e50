"""Who may connect: a speaker by his Cognito ID token, a listener without one.

A token that does not hold is refused, never taken for a listener.
"""

from collections.abc import Mapping
from typing import Any

import jwt
from jwt import PyJWKClient

from live_sessions import environment
from live_sessions.environment import AuthorizerEnvironment
from live_sessions.protocol import Role
from live_sessions.telemetry import count, hashed, logger

JWKS_TIMEOUT_SECONDS = 3
CLOCK_LEEWAY_SECONDS = 5

ENVIRONMENT = environment.read(AuthorizerEnvironment)
KEYS = PyJWKClient(ENVIRONMENT.jwks_url, timeout=JWKS_TIMEOUT_SECONDS, lifespan=3600)


class TokenRefused(Exception):
    """The token does not prove a speaker; the message says why and never repeats the token."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The policy for `$connect`: allowed with `{role, userId}`, or denied."""
    method_arn: str = event["methodArn"]
    connection = hashed(event["requestContext"]["connectionId"])
    try:
        tokens = tokens_of(event)
        policy = (
            _policy("Allow", method_arn, speaker_of(tokens), Role.SPEAKER)
            if tokens
            else _policy("Allow", method_arn, "anonymous", Role.LISTENER)
        )
    except TokenRefused as refusal:
        logger.warning("refused", extra={"connection": connection, "reason": str(refusal)})
        return _policy("Deny", method_arn, "refused")
    logger.info("allowed", extra={"connection": connection, "role": policy["context"]["role"]})
    return policy


def tokens_of(event: Mapping[str, Any]) -> list[str]:
    """Each `token` of the query string; an empty one counts as one."""
    parameters: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    return list(parameters.get("token", []))


def speaker_of(tokens: list[str]) -> str:
    """The user id (`sub`) that the token proves.

    Checks signature, issuer, audience, expiry and token use. Raises TokenRefused.
    """
    if len(tokens) > 1:
        raise TokenRefused("more than one token was sent")
    try:
        key = KEYS.get_signing_key_from_jwt(tokens[0])
        claims = jwt.decode(
            tokens[0],
            key,
            algorithms=["RS256"],
            issuer=ENVIRONMENT.token_issuer,
            audience=ENVIRONMENT.token_audience,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "token_use"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        count(KeysUnavailable=1)
        raise TokenRefused(f"the pool's keys cannot be fetched: {error}") from None
    except jwt.PyJWTError as error:
        raise TokenRefused(f"{type(error).__name__}: {error}") from None
    if claims["token_use"] != "id":  # noqa: S105 - a claim's value, not a password
        raise TokenRefused(f"token_use is {claims['token_use']!r}, not 'id'")
    return claims["sub"]


def _policy(effect: str, method_arn: str, user_id: str, role: Role | None = None) -> dict[str, Any]:
    """See https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html"""
    context = {}
    if role is not None:
        context = {"role": role.value}
        if role is Role.SPEAKER:
            context["userId"] = user_id
    return {
        "principalId": user_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
            ],
        },
        "context": context,
    }
