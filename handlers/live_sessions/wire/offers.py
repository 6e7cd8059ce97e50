"""What a client offers at the handshake: subprotocols, and tokens among them or in the query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from contract.handshake import BEARER_PREFIX, SUBPROTOCOL, SUBPROTOCOL_HEADER, TOKEN_PARAMETER


@dataclass(frozen=True)
class Offer:
    """Subprotocols without the tokens, and every token, in the order of the request.

    A token may be empty or there several times.
    """

    subprotocols: tuple[str, ...]
    bearer_tokens: tuple[str, ...] = field(repr=False)
    query_tokens: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The offer in an event of `$connect`, whether the authorizer's or the integration's."""
        offered = tuple(_offered(event))
        parameters: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
        return cls(
            subprotocols=tuple(each for each in offered if not _is_bearer(each)),
            bearer_tokens=tuple(each[len(BEARER_PREFIX) :] for each in offered if _is_bearer(each)),
            query_tokens=tuple(parameters.get(TOKEN_PARAMETER, ())),
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token, wherever it is."""
        return self.bearer_tokens + self.query_tokens

    @property
    def answer(self) -> str | None:
        """The subprotocol to answer with; None without one that the service speaks."""
        return SUBPROTOCOL if SUBPROTOCOL in self.subprotocols else None

    @property
    def is_unsupported(self) -> bool:
        """Whether the client offers subprotocols, be it a token alone, but not the service's."""
        return bool(self.subprotocols or self.bearer_tokens) and self.answer is None


def _is_bearer(subprotocol: str) -> bool:
    # A token must not be taken for an unknown subprotocol: its sender would become a listener.
    return subprotocol.lower().startswith(BEARER_PREFIX)


def _offered(event: Mapping[str, Any]) -> Iterator[str]:
    """Clients send `a, b`, `a,b` or a line for each; API Gateway keeps the case of the name."""
    lines: Mapping[str, list[str]] = event.get("multiValueHeaders") or {}
    for name, values in lines.items():
        if name.lower() == SUBPROTOCOL_HEADER.lower():
            for each in ",".join(values).split(","):
                if subprotocol := each.strip():
                    yield subprotocol
