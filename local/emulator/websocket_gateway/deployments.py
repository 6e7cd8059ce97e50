"""The deployed part of an API: the snapshot that its stage's deployment took."""

import copy
import json
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from ministack.services import apigateway

from websocket_gateway.connections import Json


@dataclass(frozen=True)
class Snapshot:
    """The part of an API that a deployment makes live; routes by their key, the rest by id."""

    routes: dict[str, Json]
    integrations: dict[str, Json]
    authorizers: dict[str, Json]
    answering_route_ids: set[str]
    selection_path: list[str]

    @classmethod
    def take(cls, api_id: str) -> "Snapshot":
        """Copy the API as it is now."""
        routes = copy.deepcopy(list(apigateway._routes.get(api_id, {}).values()))
        responses = apigateway._route_responses.get(api_id, {})
        return cls(
            routes={route["routeKey"]: route for route in routes},
            integrations=copy.deepcopy(apigateway._integrations.get(api_id, {})),
            authorizers=copy.deepcopy(apigateway._authorizers.get(api_id, {})),
            answering_route_ids={
                route["routeId"]
                for route in routes
                if route.get("routeResponseSelectionExpression") == "$default"
                for response in responses.get(route["routeId"], {}).values()
                if response["routeResponseKey"] == "$default"
            },
            # `$request.body.action` or `${request.body.action}`
            selection_path=apigateway._apis[api_id]["routeSelectionExpression"]
            .strip("${}")
            .split(".")[2:],
        )

    def route_of(self, text: str) -> Json | None:
        """Return the message's route; a client cannot select $connect or $disconnect."""
        try:
            key = json.loads(text)
            for name in self.selection_path:
                key = key[name]
        except (ValueError, TypeError, LookupError, RecursionError):
            key = None
        if not isinstance(key, str) or key in ("$connect", "$disconnect"):
            key = "$default"
        return self.routes.get(key) or self.routes.get("$default")


_snapshots: dict[tuple[str, str], Snapshot] = {}
_stock_create_deployment = apigateway._create_deployment


def create_deployment(api_id: str, data: Json) -> Any:
    """Create the deployment in MiniStack and take its snapshot."""
    response = _stock_create_deployment(api_id, data)
    if response[0] == HTTPStatus.CREATED:
        _snapshots[api_id, json.loads(response[2])["deploymentId"]] = Snapshot.take(api_id)
    return response


def saved() -> str:
    """Return all deployments as text, for `restore`."""
    return json.dumps(
        [
            {
                "api_id": api_id,
                "deployment_id": deployment_id,
                "snapshot": {
                    **asdict(snapshot),
                    "answering_route_ids": sorted(snapshot.answering_route_ids),
                },
            }
            for (api_id, deployment_id), snapshot in _snapshots.items()
        ]
    )


def restore(text: str) -> None:
    """Continue with the deployments that `saved` returned."""
    for each in json.loads(text):
        content = each["snapshot"]
        snapshot = {**content, "answering_route_ids": set(content["answering_route_ids"])}
        _snapshots[each["api_id"], each["deployment_id"]] = Snapshot(**snapshot)


def live(api_id: str, stage_name: str) -> Snapshot | None:
    """Return the stage's snapshot; None if the stage does not exist or has no deployment."""
    if apigateway._apis.get(api_id, {}).get("protocolType") != "WEBSOCKET":
        return None
    stage = apigateway._stages.get(api_id, {}).get(stage_name, {})
    if stage.get("autoDeploy"):
        return Snapshot.take(api_id)
    return _snapshots.get((api_id, stage.get("deploymentId", "")))
