"""What decides whether a socket opens."""

import pytest
from websockets.exceptions import InvalidStatus, NegotiationError
from websockets.typing import Subprotocol

from tests.local.emulator.sockets import STAGE, SocketApi, patient_connect


def refused_status(api: SocketApi, query: str) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        api.connect(query)
    return refusal.value.response.status_code


def test_a_connect_function_that_says_200_opens_the_socket(api: SocketApi) -> None:
    with api.connect("?status=200") as socket:
        assert api.ask(socket)["eventType"] == "MESSAGE"


@pytest.mark.parametrize("status", [400, 403, 429, 503])
def test_a_connect_function_refuses_the_handshake_with_its_own_status(
    api: SocketApi, status: int
) -> None:
    assert refused_status(api, f"?status={status}") == status


def test_a_url_has_at_most_4096_characters_with_the_host_that_it_has_on_aws(
    api: SocketApi,
) -> None:
    host = f"{api.api_id}.execute-api.{api.emulator.region}.amazonaws.com"
    filler = "x" * (4_096 - len(f"wss://{host}/{STAGE}?filler="))
    with api.connect(f"?filler={filler}") as socket:
        assert api.ask(socket)["eventType"] == "MESSAGE"
    name = api.new_name()
    note = f"&note={name}"
    with pytest.raises(InvalidStatus) as refusal:
        api.connect(f"?filler={filler[len(note) - 1 :]}{note}")
    assert refusal.value.response.status_code == 414
    assert not (api.notes / name).exists(), "$connect ran although the URL was too long"


def test_the_client_is_answered_with_the_subprotocol_that_connect_returns(api: SocketApi) -> None:
    offered = [Subprotocol("one"), Subprotocol("two")]
    with api.connect("?subprotocol=two", subprotocols=offered) as socket:
        assert socket.subprotocol == "two"
        assert api.ask(socket)["eventType"] == "MESSAGE"
    with api.connect(subprotocols=offered) as socket:
        assert socket.subprotocol is None


def test_the_answer_may_be_of_any_of_several_header_lines(api: SocketApi) -> None:
    name = api.new_name()
    lines = [("Sec-WebSocket-Protocol", "one, two"), ("Sec-WebSocket-Protocol", "three")]
    # The library itself offers nothing, and says so once it is answered.
    with pytest.raises(NegotiationError, match="no subprotocols supported"):
        api.connect(f"?subprotocol=two&note={name}", additional_headers=lines)
    headers = api.noted(name)["multiValueHeaders"]
    assert headers["sec-websocket-protocol"] == ["one, two", "three"]


def test_a_failing_connect_function_refuses_the_handshake_and_keeps_its_secrets(
    api: SocketApi,
) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        api.connect("?fail=yes")
    assert refusal.value.response.status_code == 502
    assert b"secret" not in (refusal.value.response.body or b"")


def test_a_refused_handshake_never_becomes_a_connection(api: SocketApi) -> None:
    name = api.new_name()
    assert refused_status(api, f"?status=403&note={name}") == 403
    connection_id = api.noted(name)["requestContext"]["connectionId"]
    management = api.management
    with pytest.raises(management.exceptions.GoneException):
        management.get_connection(ConnectionId=connection_id)


def test_an_authorizer_that_denies_refuses_with_403(authorized_api: SocketApi) -> None:
    name = authorized_api.new_name()
    assert refused_status(authorized_api, f"?token=deny&note={name}") == 403
    assert not (authorized_api.notes / name).exists(), "$connect ran although it was denied"


def test_an_authorizer_that_raises_unauthorized_refuses_with_401(authorized_api: SocketApi) -> None:
    assert refused_status(authorized_api, "?token=unauthorized") == 401


@pytest.mark.parametrize("token", ["garbage", "fail"])
def test_an_authorizer_without_a_policy_refuses_with_500(
    authorized_api: SocketApi, token: str
) -> None:
    assert refused_status(authorized_api, f"?token={token}") == 500


def test_an_authorizer_without_identity_source_sees_clients_that_bring_nothing(
    authorized_api: SocketApi,
) -> None:
    with authorized_api.connect() as socket:
        connection_id = authorized_api.connection_id(socket)
    event = authorized_api.event("AUTHORIZE", connection_id)
    assert event["queryStringParameters"] == {}
    assert event["methodArn"].endswith(f":{authorized_api.api_id}/live/$connect")


def test_every_later_event_carries_what_the_authorizer_said(authorized_api: SocketApi) -> None:
    said = {"principalId": "ada", "role": "speaker", "age": "36", "admin": "false"}
    with authorized_api.connect("?token=allow") as socket:
        message = authorized_api.ask(socket)
    connection_id = message["connectionId"]
    connected = authorized_api.event("CONNECT", connection_id)
    disconnected = authorized_api.event("DISCONNECT", connection_id)
    for context in (connected["requestContext"], message, disconnected["requestContext"]):
        assert context["authorizer"] == said


def test_a_stage_that_does_not_exist_refuses_with_403(api: SocketApi) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        patient_connect(f"{api.url}x")
    assert refusal.value.response.status_code == 403


def test_an_api_that_does_not_exist_refuses_with_403(api: SocketApi) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        patient_connect(f"{api.emulator.websocket_api_endpoint('missing')}/live")
    assert refusal.value.response.status_code == 403


def test_nothing_can_be_posted_to_a_connection_whose_connect_is_under_way(api: SocketApi) -> None:
    name = api.new_name()
    with api.connect(f"?post={name}") as socket:
        assert api.noted(name) == "GoneException"
        assert api.ask(socket)["eventType"] == "MESSAGE", "the early post reached the client"
