"""The WebSocket API: its routes, integrations, responses, authorizer and stage."""

from collections.abc import Iterator
from typing import Any

from operations.verify.context import ROUTE, Context, list_all
from operations.verify.verdicts import Verdict, differences, right, wrong

API = "aws:apigatewayv2/api:Api"
STAGE = "aws:apigatewayv2/stage:Stage"
# The stage's default route settings: Pulumi's input name and API Gateway's name.
ROUTE_SETTINGS = {
    "dataTraceEnabled": "DataTraceEnabled",
    "detailedMetricsEnabled": "DetailedMetricsEnabled",
    "loggingLevel": "LoggingLevel",
    "throttlingRateLimit": "ThrottlingRateLimit",
    "throttlingBurstLimit": "ThrottlingBurstLimit",
}
INTEGRATION = "aws:apigatewayv2/integration:Integration"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
CONNECT = "$connect"
REPLY = "$default"


def routes(context: Context) -> Iterator[Verdict]:
    """Compare routes, API, authorizer and stage with what is declared."""
    api_id, repair = context.deployment.identity.api_id, context.deployment.repair
    live = {each["RouteKey"]: each for each in list_all(context, "get_routes")}
    integrations = {each["IntegrationId"]: each for each in list_all(context, "get_integrations")}
    as_declared = 0
    for inputs in context.declared.of(ROUTE).values():
        route = live.pop(inputs["routeKey"], None)
        subject = f"route {inputs['routeKey']}"
        if route is None:
            yield wrong(subject, "does not exist", repair)
            continue
        integration = integrations.get(route.get("Target", "").removeprefix("integrations/"), {})
        faults = list(_faults(context, inputs, route, integration))
        yield from (wrong(subject, fault, repair) for fault in faults)
        as_declared += not faults
    for key, route in live.items():
        yield wrong(
            f"route {key}",
            "is not declared by the program",
            f"aws apigatewayv2 delete-route --api-id {api_id} --route-id {route['RouteId']}, "
            "then create a new deployment",
        )
    if as_declared:
        yield right("routes", f"{as_declared} as declared: integration, timeout, route response")
    yield from api(context)
    yield from _authorizer(context)
    yield from stage(context)


def _faults(
    context: Context, inputs: dict[str, Any], route: dict[str, Any], integration: dict[str, Any]
) -> Iterator[str]:
    if not integration:
        yield f"its target {route.get('Target')!r} is not an integration of the API"
    elif seen := differences(_declared_integration(context, inputs), integration):
        yield f"its integration: {seen}"
    selection = inputs.get("routeResponseSelectionExpression")
    if route.get("RouteResponseSelectionExpression") != selection:
        yield (
            f"routeResponseSelectionExpression is "
            f"{route.get('RouteResponseSelectionExpression')!r}, declared is {selection!r}"
        )
    responses = [
        each["RouteResponseKey"]
        for each in list_all(context, "get_route_responses", RouteId=route["RouteId"])
    ]
    if selection and responses != [REPLY]:
        yield (
            f"its RouteResponse {REPLY} is missing: the function's reply is dropped"
            if not responses
            else f"its RouteResponses are {responses}, declared is {REPLY}"
        )
    if not selection and responses:
        yield f"has RouteResponse {', '.join(responses)}, which is not declared"
    kind = inputs.get("authorizationType", "NONE")
    if route.get("AuthorizationType", "NONE") != kind:
        yield f"authorizationType is {route.get('AuthorizationType')}, declared is {kind}"


def _declared_integration(context: Context, route: dict[str, Any]) -> dict[str, Any]:
    """The integration as API Gateway lists it; the engine's ids are `<name>-id`."""
    name = route["target"].removeprefix("integrations/").removesuffix("-id")
    inputs = context.declared.of(INTEGRATION)[name]
    return {
        "IntegrationType": inputs["integrationType"],
        "IntegrationUri": inputs["integrationUri"],
        "TimeoutInMillis": inputs["timeoutMilliseconds"],
    }


def _authorizer(context: Context) -> Iterator[Verdict]:
    [inputs] = context.declared.of(AUTHORIZER).values()
    subject = f"authorizer {inputs['name']}"
    connects = [each for each in list_all(context, "get_routes") if each["RouteKey"] == CONNECT]
    used = {each.get("AuthorizerId") for each in connects}
    live = [each for each in list_all(context, "get_authorizers") if each["AuthorizerId"] in used]
    if not live:
        yield wrong(subject, f"{CONNECT} has none: anyone can connect", context.deployment.repair)
        return
    declared = {
        "AuthorizerType": inputs["authorizerType"],
        "AuthorizerUri": inputs["authorizerUri"],
    }
    # With identity sources a handshake without a token would be refused.
    sources = live[0].get("IdentitySource") or []
    seen = differences(declared, live[0]) or (f"has identity sources {sources}" if sources else "")
    yield (
        wrong(subject, seen, context.deployment.repair)
        if seen
        else right(subject, f"runs for each {CONNECT}")
    )


def api(context: Context) -> Iterator[Verdict]:
    """With another route selection expression, no message would find its route."""
    [inputs] = context.declared.of(API).values()
    live = context.deployment.client("apigatewayv2").get_api(
        ApiId=context.deployment.identity.api_id
    )
    declared = {
        "ProtocolType": inputs["protocolType"],
        "RouteSelectionExpression": inputs["routeSelectionExpression"],
    }
    if seen := differences(declared, live):
        yield wrong(f"API {inputs['name']}", seen, context.deployment.repair)


def stage(context: Context) -> Iterator[Verdict]:
    """Check that the stage serves the newest deployment; its content cannot be read."""
    api_id, repair = context.deployment.identity.api_id, context.deployment.repair
    [inputs] = context.declared.of(STAGE).values()
    subject = f"stage {inputs['name']}"
    live = {each["StageName"]: each for each in list_all(context, "get_stages")}
    for other in live.keys() - {inputs["name"]}:
        yield wrong(
            f"stage {other}",
            "is not declared by the program",
            f"aws apigatewayv2 delete-stage --api-id {api_id} --stage-name {other}",
        )
    found = live.get(inputs["name"])
    if found is None:
        yield wrong(subject, "does not exist", repair)
        return
    deployments = list_all(context, "get_deployments")
    last = max((each["CreatedDate"] for each in deployments), default=None)
    newest = [each["DeploymentId"] for each in deployments if each["CreatedDate"] == last]
    served = found.get("DeploymentId")
    if served not in newest:
        newer = newest[-1] if newest else "none"
        yield wrong(subject, f"serves deployment {served}, the newest is {newer}", repair)
    elif seen := differences(_declared(inputs), _shape(found)):
        yield wrong(subject, seen, repair)
    else:
        yield right(
            subject, f"serves the newest deployment, {served}; throttling and logging as declared"
        )


def _declared(inputs: dict[str, Any]) -> dict[str, Any]:
    settings, log = inputs["defaultRouteSettings"], inputs.get("accessLogSettings", {})
    return {
        **{theirs: settings[ours] for ours, theirs in ROUTE_SETTINGS.items() if ours in settings},
        "access log": log.get("destinationArn", ""),
        "access log format": log.get("format", ""),
    }


def _shape(live: dict[str, Any]) -> dict[str, Any]:
    """The live settings; the log group's ARN may end in `:*`."""
    log = live.get("AccessLogSettings", {})
    return {
        **live.get("DefaultRouteSettings", {}),
        "access log": log.get("DestinationArn", "").removesuffix(":*"),
        "access log format": log.get("Format", ""),
    }
