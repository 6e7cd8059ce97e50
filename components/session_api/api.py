"""The WebSocket API: its endpoints first, its routes last.

The constructor makes the API alone. It knows the stage's name, so every component can be given the
endpoints; `publish` makes the rest from the routes of those components.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.grants import Grant
from components.handler_function import HandlerFunction
from components.policies import Statement
from components.session_api.access_logs import AccessLogs, AccessLogsArgs
from components.session_api.api_routes import ApiRoutes, ApiRoutesArgs
from components.session_api.api_stage import ApiStage, ApiStageArgs, Throttling
from components.session_api.routes import Refusal, Route

ROUTE_SELECTION = "$request.body.action"
# The methods of @connections, and the Sid of each one's statement:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html
SIDS = {"GET": "GetConnections", "POST": "PostToConnections", "DELETE": "DeleteConnections"}


@dataclass(frozen=True, kw_only=True)
class SessionApiArgs:
    """`route_metrics`: whether each route has its own metrics; `access_logs`: None for no logs."""

    prefix: str
    stage_name: str
    throttling: Throttling
    route_metrics: bool
    access_logs: AccessLogsArgs | None


class SessionApi(pulumi.ComponentResource):
    """`url` is for clients (wss), `management_endpoint` is for posts to them (https).

    Behind an endpoint of one's own (AWS_ENDPOINT_URL) without TLS: ws and http.
    """

    url: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    api_id: pulumi.Output[str]
    stage_name: str
    access_log_group_name: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: SessionApiArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:session_api:SessionApi", name, None, opts)
        self._resource_name = name
        self._args = args
        self._child = ResourceOptions(parent=self)
        self._api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=args.prefix,
            protocol_type="WEBSOCKET",
            route_selection_expression=ROUTE_SELECTION,
            opts=self._child,
        )
        self._access_logs = self._create_access_logs()
        self.api_id = self._api.id
        self.stage_name = args.stage_name
        endpoint = pulumi.Output.concat(self._api.api_endpoint, "/", args.stage_name)
        self.url = endpoint.apply(lambda url: with_scheme("ws", url))
        self.management_endpoint = endpoint.apply(lambda url: with_scheme("http", url))
        self.access_log_group_name = self._access_logs and self._access_logs.log_group_name
        self.register_outputs({"url": self.url, "managementEndpoint": self.management_endpoint})

    def _create_access_logs(self) -> AccessLogs | None:
        if self._args.access_logs is None:
            return None
        return AccessLogs(f"{self._resource_name}-access", self._args.access_logs, self._child)

    def managing_connections(self, *methods: str) -> Grant:
        """Calls of @connections on this stage by the given methods: GET, POST, DELETE."""
        stage = f"/{self._args.stage_name}"
        statements = tuple(
            Statement(
                sid=SIDS[method],
                actions=("execute-api:ManageConnections",),
                resources=(
                    pulumi.Output.concat(
                        self._api.execution_arn, f"{stage}/{method}/@connections/*"
                    ),
                ),
            )
            for method in methods
        )
        return Grant(
            statements=statements, variables={"API_GATEWAY_ENDPOINT": self.management_endpoint}
        )

    def publish(
        self, routes: Sequence[Route], authorizer: HandlerFunction, refusal: Refusal
    ) -> pulumi.Output[str]:
        """Makes the routes, and a stage that serves them; returns the stage's name once it exists.

        `authorizer` decides on each handshake, `refusal` says which routes are removed. Raises
        `ValueError` for routes that clash.
        """
        made = ApiRoutes(
            f"{self._resource_name}-routes",
            ApiRoutesArgs(
                api=self._api,
                stage_name=self._args.stage_name,
                routes=tuple(routes),
                authorizer=authorizer,
                refusal=refusal,
            ),
            self._child,
        )
        stage = ApiStage(
            f"{self._resource_name}-stage",
            ApiStageArgs(
                api_id=self._api.id,
                stage_name=self._args.stage_name,
                throttling=self._args.throttling,
                route_metrics=self._args.route_metrics,
                access_logs=self._access_logs,
                snapshot=made.snapshot,
                snapshot_resources=made.resources,
            ),
            self._child,
        )
        return stage.name


def with_scheme(scheme: Literal["ws", "http"], url: str) -> str:
    """The URL with this scheme, with TLS if the URL has it.

    AWS gives the endpoint of a WebSocket API as `wss://`; emulators also as `http://`.

    >>> with_scheme("http", "wss://abc123.execute-api.us-east-1.amazonaws.com/live")
    'https://abc123.execute-api.us-east-1.amazonaws.com/live'
    """
    given, separator, rest = url.partition("://")
    return f"{scheme}{'s' if given in ('wss', 'https') else ''}{separator}{rest}"
