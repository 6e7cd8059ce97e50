"""Cognito user pools, their app clients and their domains."""

from collections.abc import Mapping
from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource


def create_user_pool(account: Account, resource: Resource) -> Created:
    request = resource.request(without=("name", "passwordPolicy"), schemas="Schema")
    if policy := resource.inputs.get("passwordPolicy"):
        request["Policies"] = {
            "PasswordPolicy": {key[:1].upper() + key[1:]: value for key, value in policy.items()}
        }
    pool = account.client("cognito-idp").create_user_pool(
        PoolName=resource.physical_name, UserPoolTags=resource.tags, **request
    )["UserPool"]
    return Created(
        id=pool["Id"],
        outputs={
            "name": pool["Name"],
            "arn": pool["Arn"],
            "endpoint": f"cognito-idp.{account.region}.amazonaws.com/{pool['Id']}",
            "tagsAll": resource.tags,
        },
    )


def create_user_pool_client(account: Account, resource: Resource) -> Created:
    client = account.client("cognito-idp").create_user_pool_client(
        ClientName=resource.physical_name, **_client_request(resource)
    )["UserPoolClient"]
    return _client(client)


def update_user_pool_client(account: Account, resource: Resource) -> Created:
    """Whether it has a secret is decided when it is created; it is found by its fixed name."""
    cognito, name = account.client("cognito-idp"), resource.inputs["name"]
    request = _client_request(resource)
    request.pop("GenerateSecret", None)
    pages = cognito.get_paginator("list_user_pool_clients").paginate(
        UserPoolId=request["UserPoolId"]
    )
    ids = [
        each["ClientId"]
        for page in pages
        for each in page["UserPoolClients"]
        if each["ClientName"] == name
    ]
    client = cognito.update_user_pool_client(ClientId=ids[0], ClientName=name, **request)
    return _client(client["UserPoolClient"])


def create_user_pool_domain(account: Account, resource: Resource) -> Created:
    """Its pages are at the emulator's URL: this name is not in any DNS."""
    account.client("cognito-idp").create_user_pool_domain(**resource.request())
    return Created(id=resource.inputs["domain"])


def _client_request(resource: Resource) -> dict[str, Any]:
    return resource.request(
        without=("name",),
        allowedOauthFlows="AllowedOAuthFlows",
        allowedOauthFlowsUserPoolClient="AllowedOAuthFlowsUserPoolClient",
        allowedOauthScopes="AllowedOAuthScopes",
        callbackUrls="CallbackURLs",
        defaultRedirectUri="DefaultRedirectURI",
        logoutUrls="LogoutURLs",
    )


def _client(client: Mapping[str, Any]) -> Created:
    return Created(
        id=client["ClientId"],
        outputs={"name": client["ClientName"], "clientSecret": client.get("ClientSecret", "")},
    )


KINDS = {
    "aws:cognito/userPool:UserPool": Kind(create_user_pool),
    "aws:cognito/userPoolClient:UserPoolClient": Kind(
        create_user_pool_client, update=update_user_pool_client
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": Kind(create_user_pool_domain),
}
