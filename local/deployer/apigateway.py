"""The WebSocket API: routes, integrations, authorizers, deployment and stage."""

from client.account import Account
from local.deployer.resource import Created, Kind, Resource
from program.inputs import capitalised


def create_api(account: Account, resource: Resource) -> Created:
    name = resource.physical_name
    api = account.client("apigatewayv2").create_api(
        Name=name, Tags=resource.tags, **resource.request(without=("name",))
    )
    api_id = api["ApiId"]
    return Created(
        id=api_id,
        outputs={
            "name": name,
            "apiEndpoint": api["ApiEndpoint"],
            "arn": f"arn:aws:apigateway:{account.region}::/apis/{api_id}",
            "executionArn": _execution_arn(account, api_id),
            "tagsAll": resource.tags,
        },
    )


def create_authorizer(account: Account, resource: Resource) -> Created:
    """Create an authorizer; without an identity source it is called at every connect."""
    request = {"IdentitySource": [], **resource.request(identitySources="IdentitySource")}
    answer = account.client("apigatewayv2").create_authorizer(**request)
    return Created(id=answer["AuthorizerId"])


def create_integration(account: Account, resource: Resource) -> Created:
    answer = account.client("apigatewayv2").create_integration(
        **resource.request(timeoutMilliseconds="TimeoutInMillis")
    )
    return Created(id=answer["IntegrationId"])


def create_integration_response(account: Account, resource: Resource) -> Created:
    answer = account.client("apigatewayv2").create_integration_response(**resource.request())
    return Created(id=answer["IntegrationResponseId"])


def create_route(account: Account, resource: Resource) -> Created:
    answer = account.client("apigatewayv2").create_route(**resource.request())
    return Created(id=answer["RouteId"])


def create_route_response(account: Account, resource: Resource) -> Created:
    answer = account.client("apigatewayv2").create_route_response(**resource.request())
    return Created(id=answer["RouteResponseId"])


def create_deployment(account: Account, resource: Resource) -> Created:
    """Create a deployment; `triggers` exist in Pulumi alone, which replaces it when they change."""
    answer = account.client("apigatewayv2").create_deployment(
        **resource.request(without=("triggers",))
    )
    return Created(id=answer["DeploymentId"], outputs={"autoDeployed": False})


def create_stage(account: Account, resource: Resource) -> Created:
    name, api_id = resource.inputs["name"], resource.inputs["apiId"]
    request = resource.request(without=("name", "routeSettings"))
    if settings := resource.inputs.get("routeSettings"):
        request["RouteSettings"] = {
            setting["routeKey"]: capitalised(
                {key: value for key, value in setting.items() if key != "routeKey"}
            )
            for setting in settings
        }
    account.client("apigatewayv2").create_stage(StageName=name, Tags=resource.tags, **request)
    return Created(
        id=name,
        outputs={
            "arn": f"arn:aws:apigateway:{account.region}::/apis/{api_id}/stages/{name}",
            "executionArn": f"{_execution_arn(account, api_id)}/{name}",
            "invokeUrl": f"{_endpoint(account, api_id)}/{name}",
            "tagsAll": resource.tags,
        },
    )


def update_account(account: Account, resource: Resource) -> Created:
    account.client("apigateway").update_account(
        patchOperations=[
            {
                "op": "replace",
                "path": "/cloudwatchRoleArn",
                "value": resource.inputs.get("cloudwatchRoleArn", ""),
            }
        ]
    )
    return Created(id="api-gateway-account")


def _endpoint(account: Account, api_id: str) -> str:
    return f"{account.url.replace('http', 'ws', 1)}/_aws/execute-api/{api_id}"


def _execution_arn(account: Account, api_id: str) -> str:
    return f"arn:aws:execute-api:{account.region}:{account.account_id}:{api_id}"


KINDS = {
    "aws:apigateway/account:Account": Kind(update_account, update=update_account),
    "aws:apigatewayv2/api:Api": Kind(create_api),
    "aws:apigatewayv2/authorizer:Authorizer": Kind(create_authorizer),
    "aws:apigatewayv2/deployment:Deployment": Kind(create_deployment, update=create_deployment),
    "aws:apigatewayv2/integration:Integration": Kind(create_integration),
    "aws:apigatewayv2/integrationResponse:IntegrationResponse": Kind(create_integration_response),
    "aws:apigatewayv2/route:Route": Kind(create_route),
    "aws:apigatewayv2/routeResponse:RouteResponse": Kind(create_route_response),
    "aws:apigatewayv2/stage:Stage": Kind(create_stage),
}
