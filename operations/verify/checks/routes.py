"""The WebSocket API: each route with its integration and response, the authorizer, the stage."""

from collections.abc import Iterator
from typing import Any

from operations.verify.scene import ROUTE, Scene
from operations.verify.verdicts import Verdict, differences, right, wrong

INTEGRATION = "aws:apigatewayv2/integration:Integration"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
STAGE = "aws:apigatewayv2/stage:Stage"
CONNECT = "$connect"
REPLY = "$default"


def routes(scene: Scene) -> Iterator[Verdict]:
    api_id, repair = scene.deployment.identity.api_id, scene.deployment.repair
    live = {each["RouteKey"]: each for each in _all(scene, "get_routes")}
    integrations = {each["IntegrationId"]: each for each in _all(scene, "get_integrations")}
    as_declared = 0
    for inputs in scene.declared.of(ROUTE).values():
        route = live.pop(inputs["routeKey"], None)
        subject = f"route {inputs['routeKey']}"
        if route is None:
            yield wrong(subject, "does not exist", repair)
            continue
        integration = integrations.get(route.get("Target", "").removeprefix("integrations/"), {})
        faults = list(_faults(scene, inputs, route, integration))
        yield from (wrong(subject, fault, repair) for fault in faults)
        as_declared += not faults
    for key, route in live.items():
        yield wrong(
            f"route {key}",
            "is none that the program declares",
            f"aws apigatewayv2 delete-route --api-id {api_id} --route-id {route['RouteId']}, "
            "then a new deployment",
        )
    if as_declared:
        yield right("routes", f"{as_declared} as declared: integration, timeout, response or none")
    yield from _authorizer(scene)
    yield from _stage(scene)


def _faults(
    scene: Scene, inputs: dict[str, Any], route: dict[str, Any], integration: dict[str, Any]
) -> Iterator[str]:
    if not integration:
        yield f"its target {route.get('Target')!r} is no integration of the API"
    elif seen := differences(_declared_integration(scene, inputs), integration):
        yield f"its integration: {seen}"
    selection = inputs.get("routeResponseSelectionExpression")
    if route.get("RouteResponseSelectionExpression") != selection:
        yield (
            f"routeResponseSelectionExpression is "
            f"{route.get('RouteResponseSelectionExpression')!r}, declared is {selection!r}"
        )
    responses = [
        each["RouteResponseKey"]
        for each in _all(scene, "get_route_responses", RouteId=route["RouteId"])
    ]
    if selection and responses != [REPLY]:
        yield (
            f"its RouteResponse {REPLY} is missing: what the function answers is dropped"
            if not responses
            else f"its RouteResponses are {responses}, declared is {REPLY}"
        )
    if not selection and responses:
        yield f"has RouteResponse {', '.join(responses)}, though it is to be silent"
    kind = inputs.get("authorizationType", "NONE")
    if route.get("AuthorizationType", "NONE") != kind:
        yield f"authorizationType is {route.get('AuthorizationType')}, declared is {kind}"


def _declared_integration(scene: Scene, route: dict[str, Any]) -> dict[str, Any]:
    """As API Gateway lists it; in the engine an id is the resource's name and `-id`."""
    name = route["target"].removeprefix("integrations/").removesuffix("-id")
    inputs = scene.declared.of(INTEGRATION)[name]
    return {
        "IntegrationType": inputs["integrationType"],
        "IntegrationUri": inputs["integrationUri"],
        "TimeoutInMillis": inputs["timeoutMilliseconds"],
    }


def _authorizer(scene: Scene) -> Iterator[Verdict]:
    [inputs] = scene.declared.of(AUTHORIZER).values()
    subject = f"authorizer {inputs['name']}"
    connects = [each for each in _all(scene, "get_routes") if each["RouteKey"] == CONNECT]
    used = {each.get("AuthorizerId") for each in connects}
    live = [each for each in _all(scene, "get_authorizers") if each["AuthorizerId"] in used]
    if not live:
        yield wrong(subject, f"{CONNECT} has none: everybody gets in", scene.deployment.repair)
        return
    declared = {
        "AuthorizerType": inputs["authorizerType"],
        "AuthorizerUri": inputs["authorizerUri"],
    }
    # With identity sources a handshake without a token would be refused.
    sources = live[0].get("IdentitySource") or []
    seen = differences(declared, live[0]) or (f"has identity sources {sources}" if sources else "")
    yield (
        wrong(subject, seen, scene.deployment.repair)
        if seen
        else right(subject, f"judges {CONNECT}, asked each time")
    )


def _stage(scene: Scene) -> Iterator[Verdict]:
    """What a deployment holds cannot be seen, only whether the stage serves the newest one."""
    api_id, repair = scene.deployment.identity.api_id, scene.deployment.repair
    [inputs] = scene.declared.of(STAGE).values()
    subject = f"stage {inputs['name']}"
    live = {each["StageName"]: each for each in _all(scene, "get_stages")}
    for other in live.keys() - {inputs["name"]}:
        yield wrong(
            f"stage {other}",
            "is none that the program declares",
            f"aws apigatewayv2 delete-stage --api-id {api_id} --stage-name {other}",
        )
    stage = live.get(inputs["name"])
    if stage is None:
        yield wrong(subject, "does not exist", repair)
        return
    deployments = _all(scene, "get_deployments")
    last = max((each["CreatedDate"] for each in deployments), default=None)
    newest = [each["DeploymentId"] for each in deployments if each["CreatedDate"] == last]
    served = stage.get("DeploymentId")
    settings = stage.get("DefaultRouteSettings", {})
    if served not in newest:
        yield wrong(subject, f"serves deployment {served}, the newest is {newest[-1]}", repair)
    elif seen := differences(_declared_settings(inputs), settings):
        yield wrong(subject, seen, repair)
    else:
        yield right(subject, f"serves the newest deployment, {served}, throttled as declared")


def _declared_settings(inputs: dict[str, Any]) -> dict[str, Any]:
    settings = inputs["defaultRouteSettings"]
    return {
        "DataTraceEnabled": settings["dataTraceEnabled"],
        "LoggingLevel": settings["loggingLevel"],
        "ThrottlingRateLimit": settings["throttlingRateLimit"],
        "ThrottlingBurstLimit": settings["throttlingBurstLimit"],
    }


def _all(scene: Scene, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    pages = (
        scene.deployment.client("apigatewayv2")
        .get_paginator(operation)
        .paginate(ApiId=scene.deployment.identity.api_id, **parameters)
    )
    return [item for page in pages for item in page["Items"]]
