"""The API's own settings and its stage: what it serves, throttles, counts and logs."""

from collections.abc import Iterator
from typing import Any

from operations.verify.gateway import listed
from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict, differences, right, wrong

API = "aws:apigatewayv2/api:Api"
STAGE = "aws:apigatewayv2/stage:Stage"
# Pulumi's input and API Gateway's name of what holds for every route.
ROUTE_SETTINGS = {
    "dataTraceEnabled": "DataTraceEnabled",
    "detailedMetricsEnabled": "DetailedMetricsEnabled",
    "loggingLevel": "LoggingLevel",
    "throttlingRateLimit": "ThrottlingRateLimit",
    "throttlingBurstLimit": "ThrottlingBurstLimit",
}


def api(scene: Scene) -> Iterator[Verdict]:
    """By another selection expression no message would find its route."""
    [inputs] = scene.declared.of(API).values()
    live = scene.deployment.client("apigatewayv2").get_api(ApiId=scene.deployment.identity.api_id)
    declared = {
        "ProtocolType": inputs["protocolType"],
        "RouteSelectionExpression": inputs["routeSelectionExpression"],
    }
    if seen := differences(declared, live):
        yield wrong(f"API {inputs['name']}", seen, scene.deployment.repair)


def stage(scene: Scene) -> Iterator[Verdict]:
    """What a deployment holds cannot be seen, only whether the stage serves the newest one."""
    api_id, repair = scene.deployment.identity.api_id, scene.deployment.repair
    [inputs] = scene.declared.of(STAGE).values()
    subject = f"stage {inputs['name']}"
    live = {each["StageName"]: each for each in listed(scene, "get_stages")}
    for other in live.keys() - {inputs["name"]}:
        yield wrong(
            f"stage {other}",
            "is none that the program declares",
            f"aws apigatewayv2 delete-stage --api-id {api_id} --stage-name {other}",
        )
    found = live.get(inputs["name"])
    if found is None:
        yield wrong(subject, "does not exist", repair)
        return
    deployments = listed(scene, "get_deployments")
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
            subject, f"serves the newest deployment, {served}; throttled and logged as declared"
        )


def _declared(inputs: dict[str, Any]) -> dict[str, Any]:
    settings, log = inputs["defaultRouteSettings"], inputs.get("accessLogSettings", {})
    return {
        **{theirs: settings[ours] for ours, theirs in ROUTE_SETTINGS.items() if ours in settings},
        "access log": log.get("destinationArn", ""),
        "access log format": log.get("format", ""),
    }


def _shape(live: dict[str, Any]) -> dict[str, Any]:
    """A log group's ARN may end in `:*`."""
    log = live.get("AccessLogSettings", {})
    return {
        **live.get("DefaultRouteSettings", {}),
        "access log": log.get("DestinationArn", "").removesuffix(":*"),
        "access log format": log.get("Format", ""),
    }
