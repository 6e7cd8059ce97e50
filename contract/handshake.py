"""What a client sends to open a socket: the subprotocol that it speaks, and a speaker's token."""

SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol"

SUBPROTOCOL = "live-sessions.v1"
"""Whoever offers subprotocols has to offer this one, which is then the answer."""

BEARER_PREFIX = "bearer."
"""What follows it in an offered subprotocol is a speaker's token."""

TOKEN_PARAMETER = "token"  # noqa: S105 - a parameter's name, not a password
"""The parameter of the URL's query that may hold the token instead."""
