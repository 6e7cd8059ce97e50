"""The cloud and the pages that the browser tests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.cloud import LocalCloud
from tests.local.audio.network import Network

SCOPES = ["openid", "email"]


@dataclass(frozen=True)
class Site:
    """`network` is between the pages and their WebSocket API; Python clients do not use it."""

    cloud: LocalCloud
    url: str
    network: Network

    @property
    def username(self) -> str:
        return self.cloud.outputs["speakerUsername"]

    @property
    def password(self) -> str:
        return self.cloud.outputs["speakerPassword"]


def page_config(cloud: LocalCloud, websocket_url: str) -> dict[str, Any]:
    outputs = cloud.outputs
    pool, emulator = outputs["userPoolId"], outputs["emulatorUrl"]
    return {
        "websocketUrl": websocket_url,
        "signIn": {
            "authority": f"https://cognito-idp.{outputs['region']}.amazonaws.com/{pool}",
            "clientId": outputs["userPoolClientId"],
            "scope": " ".join(SCOPES),
            "authorizationEndpoint": f"{emulator}/oauth2/authorize",
            "tokenEndpoint": f"{emulator}/oauth2/token",
            "logoutEndpoint": f"{emulator}/logout",
        },
        "transcripts": True,
    }


def allow_sign_in(cloud: LocalCloud, pages_url: str) -> None:
    """Allow the code flow with the pages' address in the pool's client."""
    cognito = cloud.client("cognito-idp")
    ids = {
        "UserPoolId": cloud.outputs["userPoolId"],
        "ClientId": cloud.outputs["userPoolClientId"],
    }
    client = cognito.describe_user_pool_client(**ids)["UserPoolClient"]
    cognito.update_user_pool_client(
        **ids,
        ExplicitAuthFlows=client["ExplicitAuthFlows"],
        SupportedIdentityProviders=["COGNITO"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=SCOPES,
        CallbackURLs=[f"{pages_url}/speak.html"],
        LogoutURLs=[f"{pages_url}/speak.html"],
    )
