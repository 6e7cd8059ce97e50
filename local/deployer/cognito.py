"""Cognito user pools and their app clients."""

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
        ClientName=resource.physical_name,
        **resource.request(
            without=("name",),
            allowedOauthFlows="AllowedOAuthFlows",
            allowedOauthFlowsUserPoolClient="AllowedOAuthFlowsUserPoolClient",
            allowedOauthScopes="AllowedOAuthScopes",
            callbackUrls="CallbackURLs",
            defaultRedirectUri="DefaultRedirectURI",
            logoutUrls="LogoutURLs",
        ),
    )["UserPoolClient"]
    return Created(
        id=client["ClientId"],
        outputs={"name": client["ClientName"], "clientSecret": client.get("ClientSecret", "")},
    )


KINDS = {
    "aws:cognito/userPool:UserPool": Kind(create_user_pool),
    "aws:cognito/userPoolClient:UserPoolClient": Kind(create_user_pool_client),
}
