"""What is live is what was there when the stage's deployment was made."""

from collections.abc import Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.local.emulator.sockets import STAGE, Route, SocketApi

Deploy = Callable[..., SocketApi]


def test_a_route_is_live_from_its_deployment_on(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    with api.connect() as socket:
        api.add_route("late", Route())
        assert api.ask(socket, action="late")["routeKey"] == "$default"
        api.deploy()
        assert api.ask(socket, action="late")["routeKey"] == "late"


def test_a_changed_route_is_live_from_its_deployment_on(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    gateway = api.emulator.client("apigatewayv2")
    [route] = gateway.get_routes(ApiId=api.api_id)["Items"]
    gateway.update_route(ApiId=api.api_id, RouteId=route["RouteId"], Target="integrations/missing")
    with api.connect() as socket:
        assert api.ask(socket)["routeKey"] == "$default"
        api.deploy()
        assert api.ask(socket)["message"] == "Internal server error"


def test_a_changed_authorizer_is_live_from_its_deployment_on(deploy: Deploy) -> None:
    api = deploy({"$default": Route()}, authorized=True)
    gateway = api.emulator.client("apigatewayv2")
    [authorizer] = gateway.get_authorizers(ApiId=api.api_id)["Items"]
    gateway.update_authorizer(
        ApiId=api.api_id, AuthorizerId=authorizer["AuthorizerId"], AuthorizerUri="missing"
    )
    with api.connect() as socket:
        assert api.ask(socket)["authorizer"]["principalId"] == "ada"
    api.deploy()
    with pytest.raises(InvalidStatus) as refusal:
        api.connect()
    assert refusal.value.response.status_code == 500


def test_a_changed_integration_is_live_from_its_deployment_on(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    gateway = api.emulator.client("apigatewayv2")
    [integration] = gateway.get_integrations(ApiId=api.api_id)["Items"]
    gateway.update_integration(
        ApiId=api.api_id, IntegrationId=integration["IntegrationId"], IntegrationUri="missing"
    )
    with api.connect() as socket:
        assert api.ask(socket)["routeKey"] == "$default"
        api.deploy()
        assert api.ask(socket)["message"] == "Internal server error"


def test_a_deleted_route_response_is_live_until_the_next_deployment(deploy: Deploy) -> None:
    api = deploy({"$default": Route(), "named": Route()})
    gateway = api.emulator.client("apigatewayv2")
    routes = gateway.get_routes(ApiId=api.api_id)["Items"]
    [route_id] = [each["RouteId"] for each in routes if each["RouteKey"] == "named"]
    [response] = gateway.get_route_responses(ApiId=api.api_id, RouteId=route_id)["Items"]
    gateway.delete_route_response(
        ApiId=api.api_id, RouteId=route_id, RouteResponseId=response["RouteResponseId"]
    )
    with api.connect() as socket:
        assert api.ask(socket, action="named")["routeKey"] == "named"


def test_an_authorizer_is_live_from_its_deployment_on(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    api.add_authorized_connect_route()
    with api.connect("?token=deny") as socket:
        assert api.ask(socket)["routeKey"] == "$default"
    api.deploy()
    with pytest.raises(InvalidStatus) as refusal:
        api.connect("?token=deny")
    assert refusal.value.response.status_code == 403


def test_a_stage_without_a_deployment_refuses_with_403(deploy: Deploy) -> None:
    api = deploy({"$default": Route()})
    gateway = api.emulator.client("apigatewayv2")
    gateway.delete_stage(ApiId=api.api_id, StageName=STAGE)
    gateway.create_stage(ApiId=api.api_id, StageName=STAGE)
    with pytest.raises(InvalidStatus) as refusal:
        api.connect()
    assert refusal.value.response.status_code == 403
