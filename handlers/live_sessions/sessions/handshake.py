"""A socket opens or closes: its row is written, or deleted with what depended on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.actions import Rate, Role
from contract.handshake import SUBPROTOCOL_HEADER
from live_sessions.aws.runtime import Clock, hashed, logger
from live_sessions.sessions.connections import Connection, ConnectionTable, new_connection
from live_sessions.sessions.lost_speakers import LostSpeakers
from live_sessions.wire.offers import Offer
from live_sessions.wire.rate_limits import RateLimits
from live_sessions.wire.refusals import ProtocolError
from live_sessions.wire.requests import Caller


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Handles `$connect`, after the authorizer has accepted the handshake."""

    connections: ConnectionTable
    rate_limits: RateLimits
    clock: Clock

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Write the socket's row, and answer with the subprotocol that the client offers.

        A failure refuses the handshake: 400 without our subprotocol among those that are offered,
        429 over the rate.
        """
        offer = Offer.of(event)
        if offer.is_unsupported:
            connection = hashed(event["requestContext"]["connectionId"])
            logger.warning("refused", extra={"connection": connection, "reason": "subprotocol"})
            return {"statusCode": 400}
        caller = Caller.of(event)
        if offer.tokens and caller.role is not Role.SPEAKER:
            # The authorizer of an older version does not know tokens among the subprotocols.
            return {"statusCode": 403}
        rate = Rate.CONNECTIONS
        try:
            self.rate_limits.require(rate, caller.subject_of(rate), at_ms=self.clock.now_ms())
        except ProtocolError:
            return {"statusCode": 429}
        self.connections.add(
            new_connection(caller.connection_id, caller.role, caller.connected_at, caller.user_id)
        )
        logger.info(
            "connected", extra={"connection": hashed(caller.connection_id), "role": caller.role}
        )
        if offer.answer is None:
            return {"statusCode": 200}
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
        return {"statusCode": 200, "headers": {SUBPROTOCOL_HEADER: offer.answer}}


@dataclass(frozen=True, kw_only=True)
class Closing:
    """Handles `$disconnect`. A second event for the same socket finds no row and changes nothing.

    `release_place` releases the place of a listener whose row was deleted.
    """

    connections: ConnectionTable
    release_place: Callable[[Connection], None]
    lost_speakers: LostSpeakers
    clock: Clock

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the socket's row, and release a listener's place or start a speaker's grace."""
        context = event["requestContext"]
        if context["eventType"] != "DISCONNECT":
            # A message whose action is "$disconnect" may be routed here; its socket is open.
            return {"statusCode": 200}
        connection_id = context["connectionId"]
        at_ms = self.clock.now_ms()
        removed = self.connections.remove(connection_id).row
        logger.info(
            "disconnected",
            extra={
                "connection": hashed(connection_id),
                "role": removed and removed.role,
                "session": removed and removed.session_id,
            },
        )
        if removed is None:
            pass
        elif removed.role is Role.SPEAKER:
            self.lost_speakers.start_grace(removed, at_ms=at_ms)
        else:
            self.release_place(removed)
        return {"statusCode": 200}
