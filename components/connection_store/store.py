"""Three on-demand tables (sessions, connections, rate limits), their indexes, and access to them.

Encrypted at rest, expiring by TTL; point-in-time recovery and protection as config says. The store
grants nothing by itself: it hands out statements for exactly the actions a function names.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.connection_store.indexes import ACTIVE_SESSIONS, LISTENERS
from components.connection_store.tables import (
    Index,
    TableSafety,
    TableShape,
    create_table,
    table_statement,
)
from components.policies import Statement


@dataclass(frozen=True, kw_only=True)
class ConnectionStoreArgs:
    """`prefix` starts the tables' physical names."""

    prefix: str
    safety: TableSafety


class ConnectionStore(pulumi.ComponentResource):
    """The tables' names, their indexes' with them, and statements for both."""

    sessions_table: pulumi.Output[str]
    connections_table: pulumi.Output[str]
    rate_limits_table: pulumi.Output[str]
    indexes: tuple[tuple[pulumi.Output[str], str], ...]

    def __init__(
        self, name: str, args: ConnectionStoreArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:connection_store:ConnectionStore", name, None, opts)
        self._sessions = self._create_sessions(name, args)
        self._connections = self._create_connections(name, args)
        self._rate_limits = self._create_rate_limits(name, args)
        self.sessions_table = self._sessions.name
        self.connections_table = self._connections.name
        self.rate_limits_table = self._rate_limits.name
        self.indexes = (
            (self.sessions_table, ACTIVE_SESSIONS.name),
            (self.connections_table, LISTENERS.name),
        )
        self.register_outputs(
            {
                "sessionsTable": self.sessions_table,
                "connectionsTable": self.connections_table,
                "rateLimitsTable": self.rate_limits_table,
            }
        )

    def _create_sessions(self, name: str, args: ConnectionStoreArgs) -> aws.dynamodb.Table:
        shape = TableShape(
            physical_name=f"{args.prefix}-sessions",
            keys={"sessionId": "S", "activeShard": "N"},
            ttl_attribute="ttl",
            index=ACTIVE_SESSIONS,
        )
        return create_table(f"{name}-sessions", shape, args.safety, self)

    def _create_connections(self, name: str, args: ConnectionStoreArgs) -> aws.dynamodb.Table:
        shape = TableShape(
            physical_name=f"{args.prefix}-connections",
            keys={"connectionId": "S", "sessionId": "S", "targetLanguage": "S"},
            ttl_attribute="ttl",
            index=LISTENERS,
        )
        return create_table(f"{name}-connections", shape, args.safety, self)

    def _create_rate_limits(self, name: str, args: ConnectionStoreArgs) -> aws.dynamodb.Table:
        shape = TableShape(
            physical_name=f"{args.prefix}-rate-limits",
            keys={"identifier": "S"},
            ttl_attribute="ttl",
        )
        return create_table(f"{name}-rate-limits", shape, args.safety, self)

    def sessions_statement(
        self, sid: str, *actions: str, attributes: tuple[str, ...] = ()
    ) -> Statement:
        """Access to session items; with `attributes`, to requests that touch only those.

        The attributes of a request's conditions count too, and it may not return whole items:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        """
        condition = None
        if attributes:
            condition = {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)},
                "StringEqualsIfExists": {
                    "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]
                },
            }
        return table_statement(sid, actions, self._sessions.arn, condition)

    def connections_statement(self, sid: str, *actions: str) -> Statement:
        """Access to connection items."""
        return table_statement(sid, actions, self._connections.arn)

    def rate_limits_statement(self, sid: str) -> Statement:
        """Counting in the rate limits."""
        return table_statement(sid, ("UpdateItem",), self._rate_limits.arn)

    def active_sessions_statement(self, sid: str) -> Statement:
        """Queries of the active-session index."""
        return table_statement(sid, ("Query",), _index_arn(self._sessions, ACTIVE_SESSIONS))

    def listeners_statement(self, sid: str) -> Statement:
        """Queries of a session's listeners."""
        return table_statement(sid, ("Query",), _index_arn(self._connections, LISTENERS))


def _index_arn(table: aws.dynamodb.Table, index: Index) -> pulumi.Output[str]:
    return pulumi.Output.concat(table.arn, "/index/", index.name)
