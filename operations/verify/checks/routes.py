"""The WebSocket API: each route with its integration and response, the authorizer, the stage."""

from collections.abc import Iterator
from typing import Any

from operations.verify.checks.stage import api, stage
from operations.verify.gateway import listed
from operations.verify.scene import ROUTE, Scene
from operations.verify.verdicts import Verdict, differences, right, wrong

INTEGRATION = "aws:apigatewayv2/integration:Integration"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
CONNECT = "$connect"
REPLY = "$default"


def routes(scene: Scene) -> Iterator[Verdict]:
    api_id, repair = scene.deployment.identity.api_id, scene.deployment.repair
    live = {each["RouteKey"]: each for each in listed(scene, "get_routes")}
    integrations = {each["IntegrationId"]: each for each in listed(scene, "get_integrations")}
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
    yield from api(scene)
    yield from _authorizer(scene)
    yield from stage(scene)


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
        for each in listed(scene, "get_route_responses", RouteId=route["RouteId"])
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
    connects = [each for each in listed(scene, "get_routes") if each["RouteKey"] == CONNECT]
    used = {each.get("AuthorizerId") for each in connects}
    live = [each for each in listed(scene, "get_authorizers") if each["AuthorizerId"] in used]
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
