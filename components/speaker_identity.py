"""Who may speak: a Cognito user pool, new or existing, and the authorizer of handshakes.

Only an operator creates speakers. The authorizer checks ID tokens with the pool's public keys, for
which it needs no permissions.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from contract.functions import AUTHORIZER

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


@dataclass(frozen=True, kw_only=True)
class SpeakerIdentityArgs:
    """`existing_*` name a pool and its client to use instead of making them: both or neither.

    `jwks_endpoint` is where the pool's keys are fetched, if not from Cognito itself.
    """

    platform: FunctionPlatform
    token_layer_arn: pulumi.Input[str]
    deletion_protection: bool
    allow_password_authentication: bool
    existing_user_pool_id: str = ""
    existing_user_pool_client_id: str = ""
    jwks_endpoint: str = ""

    def __post_init__(self) -> None:
        if bool(self.existing_user_pool_id) != bool(self.existing_user_pool_client_id):
            raise ValueError(
                "An existing user pool needs its client too: set both ids, or neither of them."
            )


class SpeakerIdentity(pulumi.ComponentResource):
    """The ids of the pool and its client, and the authorizer for `SessionApi.publish`."""

    user_pool_id: pulumi.Output[str]
    user_pool_client_id: pulumi.Output[str]
    authorizer: HandlerFunction

    def __init__(
        self, name: str, args: SpeakerIdentityArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:speaker_identity:SpeakerIdentity", name, None, opts)
        child = ResourceOptions(parent=self)
        if args.existing_user_pool_id:
            self.user_pool_id = pulumi.Output.from_input(args.existing_user_pool_id)
            self.user_pool_client_id = pulumi.Output.from_input(args.existing_user_pool_client_id)
        else:
            kept = ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                retain_on_delete=args.deletion_protection,
            )
            self.user_pool_id = self._create_pool(name, args, kept).id
            self.user_pool_client_id = self._create_client(name, args, kept).id
        self.authorizer = self._create_authorizer(args, child)
        self.register_outputs(
            {"userPoolId": self.user_pool_id, "userPoolClientId": self.user_pool_client_id}
        )

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

    def _create_client(
        self, name: str, args: SpeakerIdentityArgs, kept: ResourceOptions
    ) -> aws.cognito.UserPoolClient:
        flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        if args.allow_password_authentication:
            flows.append("ALLOW_USER_PASSWORD_AUTH")
        return aws.cognito.UserPoolClient(
            f"{name}-client",
            name=f"{args.platform.prefix}-speakers",
            user_pool_id=self.user_pool_id,
            generate_secret=False,
            explicit_auth_flows=flows,
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            id_token_validity=ID_TOKEN_MINUTES,
            access_token_validity=ID_TOKEN_MINUTES,
            refresh_token_validity=REFRESH_TOKEN_DAYS,
            token_validity_units=TOKEN_UNITS,
            opts=kept,
        )

    def _create_authorizer(
        self, args: SpeakerIdentityArgs, child: ResourceOptions
    ) -> HandlerFunction:
        # A pool's id starts with its Region; that of an existing pool may differ from the stack's.
        region = args.existing_user_pool_id.partition("_")[0] or args.platform.region
        issuer = f"https://cognito-idp.{region}.amazonaws.com"
        keys = args.jwks_endpoint or issuer
        known_issuer = Grant(
            variables={
                "TOKEN_ISSUER": pulumi.Output.concat(issuer, "/", self.user_pool_id),
                "TOKEN_AUDIENCE": self.user_pool_client_id,
                "JWKS_URL": pulumi.Output.concat(
                    keys, "/", self.user_pool_id, "/.well-known/jwks.json"
                ),
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
