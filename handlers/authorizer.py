"""Decides who may connect: a speaker with a Cognito ID token, a listener without a token.

An invalid token is refused; its sender is never treated as a listener.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import PyJWKClient

from contract import metrics
from contract.actions import Role
from contract.functions import AuthorizerEnvironment
from live_sessions.aws.runtime import Handler, emit, hashed, logger, read_environment

JWKS_TIMEOUT_SECONDS = 3
JWKS_LIFESPAN_SECONDS = 3600
CLOCK_LEEWAY_SECONDS = 5


class TokenRefused(Exception):
    """The token is invalid; the message says why and never repeats the token."""


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """Accepts tokens of one issuer and audience, signed with one of `keys`."""

    keys: PyJWKClient
    issuer: str
    audience: str

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The policy for `$connect`: Allow with `{role, userId}`, or Deny."""
        method_arn: str = event["methodArn"]
        connection = hashed(event["requestContext"]["connectionId"])
        try:
            tokens = _tokens_of(event)
            policy = (
                _policy("Allow", method_arn, self._user_of(tokens), Role.SPEAKER)
                if tokens
                else _policy("Allow", method_arn, "anonymous", Role.LISTENER)
            )
        except TokenRefused as refusal:
            logger.warning("refused", extra={"connection": connection, "reason": str(refusal)})
            return _policy("Deny", method_arn, "refused")
        logger.info("allowed", extra={"connection": connection, "role": policy["context"]["role"]})
        return policy

    def _user_of(self, tokens: list[str]) -> str:
        """The user id (`sub`) of the token, after checks of signature and claims."""
        if len(tokens) > 1:
            raise TokenRefused("more than one token was sent")
        try:
            key = self.keys.get_signing_key_from_jwt(tokens[0])
            claims = jwt.decode(
                tokens[0],
                key,
                algorithms=["RS256"],
                issuer=self.issuer,
                audience=self.audience,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "token_use"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            emit({metrics.KEYS_UNAVAILABLE: 1})
            raise TokenRefused(f"the pool's keys cannot be fetched: {error}") from None
        except jwt.PyJWTError as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from None
        if claims["token_use"] != "id":  # noqa: S105 - a claim's value, not a password
            raise TokenRefused(f"token_use is {claims['token_use']!r}, not 'id'")
        return claims["sub"]


def _tokens_of(event: Mapping[str, Any]) -> list[str]:
    """Each `token` of the query string; an empty one counts as one."""
    parameters: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    return list(parameters.get("token", []))


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


def build(environment: AuthorizerEnvironment) -> Handler:
    """The handler of handshakes."""
    return Authorizer(
        keys=PyJWKClient(
            environment.jwks_url, timeout=JWKS_TIMEOUT_SECONDS, lifespan=JWKS_LIFESPAN_SECONDS
        ),
        issuer=environment.token_issuer,
        audience=environment.token_audience,
    )


handler = build(read_environment(AuthorizerEnvironment))
