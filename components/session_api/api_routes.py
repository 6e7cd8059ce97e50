"""What a deployment is a snapshot of: authorizer, integrations, routes and route responses.

Pulumi deletes last, after it has made the deployment. So a route that is removed stays, with
everything that it needs, and has another target: only then is it in the deployment as it should be.

Of API Gateway only this API may invoke the functions: the authorizer as its authorizer, the others
through the stage's routes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.handler_function import HandlerFunction
from components.session_api.routes import CONNECT, Refusal, Route, check_routes

REPLY = "$default"


@dataclass(frozen=True, kw_only=True)
class ApiRoutesArgs:
    """`authorizer` decides on each handshake; `refusal` says which routes are removed."""

    api: aws.apigatewayv2.Api
    stage_name: str
    routes: tuple[Route, ...]
    authorizer: HandlerFunction
    refusal: Refusal

    def __post_init__(self) -> None:
        check_routes(self.routes, self.refusal.keys)


class ApiRoutes(pulumi.ComponentResource):
    """`resources` must exist before a deployment: what it is a snapshot of, and the permissions.

    `snapshot` (JSON) changes with what it is a snapshot of.
    """

    resources: list[pulumi.CustomResource]
    snapshot: pulumi.Output[str]

    def __init__(self, name: str, args: ApiRoutesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:api_routes:ApiRoutes", name, None, opts)
        self._resource_name = name
        self._args = args
        self._child = ResourceOptions(parent=self)
        authorizer = self._create_authorizer()
        integrations = self._create_integrations()
        routes = self._create_routes(integrations, authorizer)
        responses = self._create_responses(routes)
        deployed = [authorizer, *integrations.values(), *routes.values(), *responses]
        self.resources = [*deployed, *self._create_permissions(authorizer)]
        self.snapshot = self._describe(deployed)
        self.register_outputs({})

    def _create_authorizer(self) -> aws.apigatewayv2.Authorizer:
        # Without identity sources API Gateway invokes it for every handshake, also without a token,
        # and caches no answer.
        return aws.apigatewayv2.Authorizer(
            f"{self._resource_name}-authorizer",
            api_id=self._args.api.id,
            name=self._args.authorizer.physical_name,
            authorizer_type="REQUEST",
            authorizer_uri=self._args.authorizer.invoke_arn,
            opts=self._child,
        )

    def _create_integrations(self) -> dict[str, aws.apigatewayv2.Integration]:
        targets = [*(route.target for route in self._args.routes), self._args.refusal.target]
        return {
            label: aws.apigatewayv2.Integration(
                f"{self._resource_name}-{label}-integration",
                api_id=self._args.api.id,
                integration_type="AWS_PROXY",
                integration_method="POST",
                integration_uri=target.function.invoke_arn,
                timeout_milliseconds=target.timeout_milliseconds,
                opts=self._child,
            )
            for label, target in {target.label: target for target in targets}.items()
        }

    def _create_routes(
        self,
        integrations: dict[str, aws.apigatewayv2.Integration],
        authorizer: aws.apigatewayv2.Authorizer,
    ) -> dict[str, aws.apigatewayv2.Route]:
        return {
            route.key: aws.apigatewayv2.Route(
                f"{self._resource_name}-{route.label}-route",
                api_id=self._args.api.id,
                route_key=route.key,
                target=pulumi.Output.concat(
                    "integrations/", integrations[self._args.refusal.target_of(route).label].id
                ),
                route_response_selection_expression=REPLY if route.replies else None,
                authorization_type="CUSTOM" if route.key == CONNECT else "NONE",
                authorizer_id=authorizer.id if route.key == CONNECT else None,
                opts=self._child,
            )
            for route in self._args.routes
        }

    def _create_responses(
        self, routes: dict[str, aws.apigatewayv2.Route]
    ) -> list[aws.apigatewayv2.RouteResponse]:
        # Without it API Gateway drops what the function returns.
        return [
            aws.apigatewayv2.RouteResponse(
                f"{self._resource_name}-{route.label}-response",
                api_id=self._args.api.id,
                route_id=routes[route.key].id,
                route_response_key=REPLY,
                opts=self._child,
            )
            for route in self._args.routes
            if route.replies
        ]

    def _create_permissions(
        self, authorizer: aws.apigatewayv2.Authorizer
    ) -> list[aws.lambda_.Permission]:
        routed = [route.function for route in self._args.routes]
        functions = {each.entry: each for each in (*routed, self._args.refusal.target.function)}
        stage = f"/{self._args.stage_name}/*"
        return [
            *(each for function in functions.values() for each in self._permit(function, stage)),
            *self._permit(self._args.authorizer, "/authorizers/", authorizer.id),
        ]

    def _permit(
        self, function: HandlerFunction, *path: pulumi.Input[str]
    ) -> list[aws.lambda_.Permission]:
        return function.permit(
            f"{self._resource_name}-{function.entry.replace('_', '-')}",
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self._args.api.execution_arn, *path),
            opts=self._child,
        )

    def _describe(self, deployed: Sequence[pulumi.CustomResource]) -> pulumi.Output[str]:
        """An update in place changes inputs, a replacement changes ids: either one shows here."""
        routes = sorted(self._args.routes, key=lambda route: route.key)
        targets = {route.key: self._args.refusal.target_of(route) for route in routes}
        return pulumi.Output.json_dumps(
            {
                "selection": self._args.api.route_selection_expression,
                "authorizer": self._args.authorizer.invoke_arn,
                "routes": [
                    [
                        route.key,
                        targets[route.key].timeout_milliseconds,
                        route.replies,
                        targets[route.key].function.invoke_arn,
                    ]
                    for route in routes
                ],
                "ids": [resource.id for resource in deployed],
            }
        )
