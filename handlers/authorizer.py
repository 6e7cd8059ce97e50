"""Decides who may connect: a speaker with a token, a listener without one.

An invalid token is refused; its sender is never treated as a listener.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.actions import Role
from contract.functions import AUDIENCE_SEPARATOR, AuthorizerEnvironment
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, hashed, logger, read_environment
from live_sessions.speakers.signing_keys import Fetch, SigningKeys, fetch_json
from live_sessions.speakers.tokens import TokenRefused, TokenRules
from live_sessions.wire.offers import Offer


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """Makes whoever has a token that `rules` accept a speaker."""

    rules: TokenRules

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The policy for `$connect`: Allow with `{role, userId}`, or Deny.

        An authorizer can refuse with 403 only. So an offer without our subprotocol is allowed, as
        nobody and without a role: `$connect` then refuses it with 400.
        """
        method_arn: str = event["methodArn"]
        connection = hashed(event["requestContext"]["connectionId"])
        offer = Offer.of(event)
        try:
            if len(offer.tokens) > 1:
                raise TokenRefused("more than one token was sent")
            if offer.is_unsupported:
                policy = _policy("Allow", method_arn, "nobody")
            elif offer.tokens:
                user_id = self.rules.user_of(offer.tokens[0])
                policy = _policy("Allow", method_arn, user_id, Role.SPEAKER)
            else:
                policy = _policy("Allow", method_arn, "anonymous", Role.LISTENER)
        except TokenRefused as refusal:
            logger.warning("refused", extra={"connection": connection, "reason": str(refusal)})
            return _policy("Deny", method_arn, "refused")
        role = policy["context"].get("role")
        logger.info("allowed", extra={"connection": connection, "role": role})
        return policy


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


def build(environment: AuthorizerEnvironment, clock: Clock, fetch: Fetch) -> Handler:
    """The handler of handshakes."""
    issuer = environment.token_issuer
    return Authorizer(
        rules=TokenRules(
            keys=SigningKeys(environment.token_keys_url, issuer, clock, fetch),
            issuer=issuer,
            audiences=tuple(environment.token_audiences.split(AUDIENCE_SEPARATOR)),
        )
    )


handler = build(read_environment(AuthorizerEnvironment), SYSTEM_CLOCK, fetch_json)
