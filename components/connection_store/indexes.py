"""What the tables can be asked for besides their keys."""

from components.connection_store.tables import Index

# Sparse: a session that has ended, and whose listeners have all been told, has no activeShard. It
# projects what a status push and reconcile read; all indexes of a table together may name 100
# attributes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
ACTIVE_SESSIONS = Index(
    name="active-sessions-index",
    hash_key="activeShard",
    range_key="sessionId",
    projected=(
        "broadcastState",
        "createdAt",
        "endReason",
        "endedAt",
        "expiresAt",
        "listenerCount",
        "listenersByLanguage",
        "membershipChangedAt",
        "membershipVersion",
        "sourceLanguage",
        "speakerConnectionId",
        "speakerLostAt",
        "statusRequestedAt",
    ),
)
# Sparse: only listeners have a targetLanguage. By the ttl reconcile finds rows that outlived their
# socket.
LISTENERS = Index(
    name="sessionId-targetLanguage-index",
    hash_key="sessionId",
    range_key="targetLanguage",
    projected=("ttl",),
)
