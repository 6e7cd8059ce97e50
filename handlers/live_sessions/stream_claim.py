"""Whose turn it is to transcribe a session's audio, and how far that has come."""

import msgspec


class StreamPosition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The chunk that comes next; each connection counts its own."""

    connection_id: str
    stream_epoch: int
    next_sequence: int


class StreamClaim(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A slot claimed for a session, until `lease_until` (epoch milliseconds).

    `processor_id` is there once a processor has taken it, `reached` after one has left in good
    order. No caption from `next_caption` on has been used yet.
    """

    slot: int
    claim_id: str
    lease_until: int
    next_caption: int = 0
    processor_id: str | None = None
    reached: StreamPosition | None = None

    @property
    def is_released(self) -> bool:
        """Given up, and not merely over: nobody works on it any more."""
        return self.lease_until == 0

    def is_held(self, at_ms: int) -> bool:
        return at_ms < self.lease_until
