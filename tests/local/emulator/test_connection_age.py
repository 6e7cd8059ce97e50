"""`connectionAgeMinutes`: the local cloud's way to meet an old connection on a laptop."""

import time

import pytest
from websockets.exceptions import InvalidStatus

from tests.local.emulator.sockets import SocketApi


def test_a_connection_with_an_age_was_connected_that_long_ago_in_every_event(
    authorized_api: SocketApi,
) -> None:
    opened_at = time.time() * 1000
    with authorized_api.connect("?token=allow&connectionAgeMinutes=101") as socket:
        connection_id = authorized_api.connection_id(socket)
        asked_at = time.time() * 1000
        found = authorized_api.management.get_connection(ConnectionId=connection_id)
    events = [
        authorized_api.event(kind, connection_id)["requestContext"]["connectedAt"]
        for kind in ("AUTHORIZE", "CONNECT", "MESSAGE", "DISCONNECT")
    ]
    connected_at = int(found["ConnectedAt"].timestamp() * 1000)
    assert set(events) == {connected_at}
    assert opened_at - 1 <= connected_at + 101 * 60 * 1000 <= asked_at


def test_a_connection_of_a_full_lifetime_but_a_moment_is_closed_in_that_moment(
    api: SocketApi,
) -> None:
    with api.connect("?connectionAgeMinutes=119.995") as socket:
        assert [*socket] == []
        assert socket.close_code == 1001


@pytest.mark.parametrize("age", ["", "old", "-1", "120", "nan", "inf"])
def test_an_age_that_no_connection_has_is_refused(api: SocketApi, age: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        api.connect(f"?connectionAgeMinutes={age}")
    assert refusal.value.response.status_code == 400
