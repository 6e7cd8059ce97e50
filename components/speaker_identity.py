"""Who may speak: users of a Cognito pool, new or existing, or of any OIDC issuer.

The authorizer of handshakes checks tokens with the issuer's public keys, for which it needs no
permissions. Of a new pool only an operator creates users.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.sign_in import SCOPES, cognito_issuer_origin, user_pool_domain
from contract.functions import AUDIENCE_SEPARATOR, AUTHORIZER

# Cognito's default:
# https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
ID_TOKEN_MINUTES = 60
REFRESH_TOKEN_DAYS = 30
SHORTEST_PASSWORD = 12
TOKEN_UNITS: aws.cognito.UserPoolClientTokenValidityUnitsArgsDict = {
    "id_token": "minutes",
    "access_token": "minutes",
    "refresh_token": "days",
}


def discovery_url(issuer: str) -> str:
    """Where an issuer describes itself.

    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig

    >>> discovery_url("https://login.example.com/tenant/")
    'https://login.example.com/tenant/.well-known/openid-configuration'
    """
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, kw_only=True)
class SpeakerIdentityArgs:
    """`existing_*` name a pool and its client to use instead of making them: both or neither.

    `issuer` is used instead of any pool. `audiences` are accepted beside the pool's client; an
    issuer needs at least one. `jwks_endpoint` is where the pool's keys are fetched, if not from
    Cognito itself. `sign_in_pages` are the URLs of the pages on which speakers sign in, if any: a
    new pool then has a domain, and sends its users back to them.
    """

    platform: FunctionPlatform
    token_layer_arn: pulumi.Input[str]
    deletion_protection: bool
    allow_password_authentication: bool
    existing_user_pool_id: str = ""
    existing_user_pool_client_id: str = ""
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_endpoint: str = ""
    sign_in_pages: Sequence[pulumi.Input[str]] = ()

    def __post_init__(self) -> None:
        if self.issuer and self.existing_user_pool_id:
            raise ValueError(
                "Speakers are users of an issuer or of an existing user pool: set one of the two."
            )
        if self.issuer and not self.audiences:
            raise ValueError(
                f"Issuer {self.issuer} needs audiences: without them its tokens for any other"
                " service would be accepted; set at least one."
            )
        if bool(self.existing_user_pool_id) != bool(self.existing_user_pool_client_id):
            raise ValueError(
                "An existing user pool needs its client too: set both ids, or neither of them."
            )


class SpeakerIdentity(pulumi.ComponentResource):
    """The ids of the pool and its client, if there is one, whose tokens are accepted, and the
    authorizer for `SessionApi.publish`.
    """

    user_pool_id: pulumi.Output[str] | None
    user_pool_client_id: pulumi.Output[str] | None
    issuer: pulumi.Output[str]
    audiences: pulumi.Output[list[str]]
    authorizer: HandlerFunction

    def __init__(
        self, name: str, args: SpeakerIdentityArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:speaker_identity:SpeakerIdentity", name, None, opts)
        child = ResourceOptions(parent=self)
        self.user_pool_id, self.user_pool_client_id = self._pool_and_client(name, args)
        clients = [] if self.user_pool_client_id is None else [self.user_pool_client_id]
        self.audiences = pulumi.Output.all(*clients, *args.audiences).apply(list)
        # A pool's id starts with its Region; that of an existing pool may differ from the stack's.
        region = args.existing_user_pool_id.partition("_")[0] or args.platform.region
        cognito = cognito_issuer_origin(region)
        if self.user_pool_id is None:
            self.issuer = pulumi.Output.from_input(args.issuer)
            keys_url = pulumi.Output.from_input(discovery_url(args.issuer))
        else:
            self.issuer = pulumi.Output.concat(cognito, "/", self.user_pool_id)
            # Without the discovery document, a cold start has one request less.
            keys_url = pulumi.Output.concat(
                args.jwks_endpoint or cognito, "/", self.user_pool_id, "/.well-known/jwks.json"
            )
        self.authorizer = self._create_authorizer(args, keys_url, child)
        self.register_outputs({"issuer": self.issuer, "audiences": self.audiences})

    def _pool_and_client(
        self, name: str, args: SpeakerIdentityArgs
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]] | tuple[None, None]:
        if args.issuer:
            return None, None
        if args.existing_user_pool_id:
            return (
                pulumi.Output.from_input(args.existing_user_pool_id),
                pulumi.Output.from_input(args.existing_user_pool_client_id),
            )
        kept = ResourceOptions(
            parent=self,
            protect=args.deletion_protection,
            retain_on_delete=args.deletion_protection,
        )
        pool_id = self._create_pool(name, args, kept).id
        if args.sign_in_pages:
            self._create_domain(name, args, pool_id)
        return pool_id, self._create_client(name, args, pool_id, kept).id

    def _create_pool(
        self, name: str, args: SpeakerIdentityArgs, kept: ResourceOptions
    ) -> aws.cognito.UserPool:
        return aws.cognito.UserPool(
            f"{name}-pool",
            name=args.platform.prefix,
            username_attributes=["email"],
            auto_verified_attributes=["email"],
            username_configuration=aws.cognito.UserPoolUsernameConfigurationArgs(
                case_sensitive=False
            ),
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(
                allow_admin_create_user_only=True
            ),
            password_policy=aws.cognito.UserPoolPasswordPolicyArgs(
                minimum_length=SHORTEST_PASSWORD,
                require_lowercase=True,
                require_numbers=True,
                require_symbols=False,
                require_uppercase=True,
                temporary_password_validity_days=7,
            ),
            deletion_protection="ACTIVE" if args.deletion_protection else "INACTIVE",
            opts=kept,
        )

    def _create_domain(
        self, name: str, args: SpeakerIdentityArgs, pool_id: pulumi.Output[str]
    ) -> None:
        """The address of Cognito's sign-in pages."""
        aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=pulumi.Output.from_input(args.platform.account_id).apply(
                lambda account: user_pool_domain(args.platform.prefix, account)
            ),
            user_pool_id=pool_id,
            opts=ResourceOptions(parent=self),
        )

    def _create_client(
        self,
        name: str,
        args: SpeakerIdentityArgs,
        pool_id: pulumi.Output[str],
        kept: ResourceOptions,
    ) -> aws.cognito.UserPoolClient:
        flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        if args.allow_password_authentication:
            flows.append("ALLOW_USER_PASSWORD_AUTH")
        pages = args.sign_in_pages or None
        return aws.cognito.UserPoolClient(
            f"{name}-client",
            name=f"{args.platform.prefix}-speakers",
            user_pool_id=pool_id,
            generate_secret=False,
            explicit_auth_flows=flows,
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            id_token_validity=ID_TOKEN_MINUTES,
            access_token_validity=ID_TOKEN_MINUTES,
            refresh_token_validity=REFRESH_TOKEN_DAYS,
            token_validity_units=TOKEN_UNITS,
            allowed_oauth_flows_user_pool_client=True if pages else None,
            allowed_oauth_flows=["code"] if pages else None,
            allowed_oauth_scopes=list(SCOPES) if pages else None,
            supported_identity_providers=["COGNITO"] if pages else None,
            callback_urls=pages,
            logout_urls=pages,
            opts=kept,
        )

    def _create_authorizer(
        self, args: SpeakerIdentityArgs, keys_url: pulumi.Output[str], child: ResourceOptions
    ) -> HandlerFunction:
        known_issuer = Grant(
            variables={
                "TOKEN_ISSUER": self.issuer,
                "TOKEN_AUDIENCES": self.audiences.apply(AUDIENCE_SEPARATOR.join),
                "TOKEN_KEYS_URL": keys_url,
                "JWKS_URL": keys_url,
                "TOKEN_AUDIENCE": self.audiences.apply(lambda audiences: audiences[0]),
            }
        )
        return HandlerFunction(
            "authorizer",
            HandlerFunctionArgs(
                platform=args.platform,
                function=AUTHORIZER,
                memory_megabytes=256,
                timeout_seconds=10,
                grants=(known_issuer,),
                extra_layer_arns=(args.token_layer_arn,),
            ),
            child,
        )
