"""The tables of sessions, connections and rate limits, with their indexes.

The store gives no access by itself: it makes a grant for exactly the actions that a function needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.connection_store.tables import StackTable, TableSafety
from components.grants import Grant
from components.policies import Condition
from contract.tables import (
    ACTIVE_SESSIONS_INDEX,
    CONNECTIONS,
    LISTENERS_INDEX,
    RATE_LIMITS,
    SESSIONS,
    Table,
)


@dataclass(frozen=True, kw_only=True)
class ConnectionStoreArgs:
    """`prefix` starts the tables' physical names."""

    prefix: str
    safety: TableSafety


class ConnectionStore(pulumi.ComponentResource):
    """The tables, and the grants for them."""

    sessions_table: pulumi.Output[str]
    connections_table: pulumi.Output[str]
    rate_limits_table: pulumi.Output[str]
    tables: tuple[StackTable, ...]

    def __init__(
        self, name: str, args: ConnectionStoreArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:connection_store:ConnectionStore", name, None, opts)
        self._sessions = self._create_table(name, SESSIONS, args)
        self._connections = self._create_table(name, CONNECTIONS, args)
        self._rate_limits = self._create_table(name, RATE_LIMITS, args)
        self.sessions_table = self._sessions.name
        self.connections_table = self._connections.name
        self.rate_limits_table = self._rate_limits.name
        self.tables = (self._sessions, self._connections, self._rate_limits)
        self.register_outputs(
            {
                "sessionsTable": self.sessions_table,
                "connectionsTable": self.connections_table,
                "rateLimitsTable": self.rate_limits_table,
            }
        )

    def _create_table(self, name: str, table: Table, args: ConnectionStoreArgs) -> StackTable:
        return StackTable(f"{name}-{table.name}", table, args.prefix, args.safety, self)

    def sessions(self, sid: str, *actions: str) -> Grant:
        """Access to session items by the named actions, such as GetItem."""
        return self._sessions.granting(sid, *actions)

    def updating_sessions(self, sid: str, *attributes: str) -> Grant:
        """Updates of session items that touch only `attributes`, and return no whole item."""
        return self._sessions.granting(sid, "UpdateItem", condition=_touching_only(attributes))

    def hearing_connections(self) -> Grant:
        """Noting when a connection was last heard from, and no other change of its item."""
        condition = _touching_only(("connectionId", "lastHeardAt"))
        return self._connections.granting("HearConnections", "UpdateItem", condition=condition)

    def querying_active_sessions(self) -> Grant:
        """Queries of the active sessions."""
        return self._sessions.querying("QueryActiveSessions", ACTIVE_SESSIONS_INDEX)

    def connections(self, sid: str, *actions: str) -> Grant:
        """Access to connection items by the named actions."""
        return self._connections.granting(sid, *actions)

    def querying_listeners(self) -> Grant:
        """Queries of a session's listeners."""
        return self._connections.querying("QueryListeners", LISTENERS_INDEX)

    def counting_rates(self) -> Grant:
        """Counting messages against the rate limits."""
        return self._rate_limits.granting("CountRateLimits", "UpdateItem")


def _touching_only(attributes: Sequence[str]) -> Condition:
    """The attributes of an update's conditions count too:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    return {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
