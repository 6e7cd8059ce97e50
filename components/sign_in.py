"""How speakers sign in on the pages: by the authorization code flow of whoever issues their tokens.

Decided from the settings alone, without resources: the pages name these addresses in their
Content-Security-Policy before there is a user pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from contract.global_names import global_name

# The e-mail address is what a user of the stack's own pool signs in with.
SCOPES = ("openid", "email")
# Words that a domain of Cognito must not have:
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_FORBIDDEN_WORDS = ("aws", "amazon", "cognito")
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-userpools-server-contract-reference.html
_AUTHORIZATION_PATH, _TOKEN_PATH, _LOGOUT_PATH = "/oauth2/authorize", "/oauth2/token", "/logout"
_REVOCATION_PATH = "/oauth2/revoke"


def cognito_issuer_origin(region: str) -> str:
    """Where the issuers of a Region's user pools are."""
    return f"https://cognito-idp.{region}.amazonaws.com"


def user_pool_domain(prefix: str, account_id: str) -> str:
    """The prefix of the domain of a stack's own user pool, unique in the Region."""
    return global_name(prefix, account_id, _FORBIDDEN_WORDS)


@dataclass(frozen=True, kw_only=True)
class SignInAddresses:
    """`issuer_origin` has the discovery document. `cognito_url` is where the sign-in pages of a
    user pool are; None for another issuer, whose document names its endpoints. `other_origins` are
    where else the pages send requests to sign in. `cognito_revokes`: whether a refresh token can be
    revoked at `cognito_url`.
    """

    issuer_origin: str
    cognito_url: pulumi.Input[str] | None = None
    cognito_revokes: bool = True
    other_origins: Sequence[str] = ()

    @property
    def connects_to(self) -> list[pulumi.Input[str]]:
        """The URLs to which the pages send requests to sign in."""
        cognito = [] if self.cognito_url is None else [self.cognito_url]
        return [self.issuer_origin, *cognito, *self.other_origins]

    def config(
        self, *, issuer: pulumi.Input[str], client_id: pulumi.Input[str]
    ) -> Mapping[str, Any]:
        """The part `signIn` of config.json, whose type is SignInConfig in web/src/config.ts."""
        config: dict[str, Any] = {
            "authority": issuer,
            "clientId": client_id,
            "scope": " ".join(SCOPES),
        }
        if self.cognito_url is not None:
            config |= {
                "authorizationEndpoint": pulumi.Output.concat(
                    self.cognito_url, _AUTHORIZATION_PATH
                ),
                "tokenEndpoint": pulumi.Output.concat(self.cognito_url, _TOKEN_PATH),
                "logoutEndpoint": pulumi.Output.concat(self.cognito_url, _LOGOUT_PATH),
            }
            if self.cognito_revokes:
                revocation = pulumi.Output.concat(self.cognito_url, _REVOCATION_PATH)
                config["revocationEndpoint"] = revocation
        return config


def sign_in_addresses(
    *,
    prefix: str,
    region: str,
    account_id: pulumi.Input[str],
    existing_user_pool_id: str,
    issuer: str,
    sign_in_origin: str,
    cognito_endpoint: str,
) -> SignInAddresses:
    """The addresses of the stack's own user pool, of an existing one, or of another issuer.

    `sign_in_origin`: that of the existing pool's domain, or of the issuer's token endpoint if it is
    not the issuer's own; may be empty. `cognito_endpoint`: where Cognito is, if not at AWS.
    """
    if issuer:
        others = [sign_in_origin] if sign_in_origin else []
        return SignInAddresses(issuer_origin=issuer, other_origins=others)
    # A pool's id starts with its Region; that of an existing pool may differ from the stack's.
    region = existing_user_pool_id.partition("_")[0] or region
    if cognito_endpoint or existing_user_pool_id:
        url: pulumi.Input[str] = cognito_endpoint or sign_in_origin
    else:
        domain = pulumi.Output.from_input(account_id).apply(
            lambda account: user_pool_domain(prefix, account)
        )
        url = pulumi.Output.format("https://{0}.auth.{1}.amazoncognito.com", domain, region)
    return SignInAddresses(
        issuer_origin=cognito_issuer_origin(region),
        cognito_url=url,
        # The local cloud's Cognito revokes nothing.
        cognito_revokes=not cognito_endpoint,
    )
