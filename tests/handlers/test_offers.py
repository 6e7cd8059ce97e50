"""What the handshake's headers and query offer."""

from __future__ import annotations

from typing import Any

import pytest

from live_sessions.wire.offers import Offer

OURS = "live-sessions.v1"


def offer(*lines: str, tokens: list[str] | None = None, header: str = "Sec-WebSocket-Protocol"):
    event: dict[str, Any] = {"multiValueHeaders": {"Host": ["x"]}}
    if lines:
        event["multiValueHeaders"][header] = list(lines)
    if tokens is not None:
        event["multiValueQueryStringParameters"] = {"token": tokens}
    return Offer.of(event)


@pytest.mark.parametrize(
    ("lines", "tokens", "answer", "is_unsupported"),
    [
        ((), (), None, False),
        (("",), (), None, False),
        ((" , ",), (), None, False),
        ((OURS,), (), OURS, False),
        ((f"{OURS}, bearer.t",), ("t",), OURS, False),
        ((f"{OURS},bearer.t",), ("t",), OURS, False),
        ((f"bearer.t, {OURS}",), ("t",), OURS, False),
        ((f"\t{OURS} ,, bearer.t ",), ("t",), OURS, False),
        ((OURS, "bearer.t"), ("t",), OURS, False),
        ((f"chat, {OURS}",), (), OURS, False),
        ((f"{OURS}, bearer.a.b.c",), ("a.b.c",), OURS, False),
        ((f"{OURS}, bearer.",), ("",), OURS, False),
        ((f"{OURS}, Bearer.t",), ("t",), OURS, False),
        ((f"{OURS}, bearer.t, bearer.t",), ("t", "t"), OURS, False),
        ((f"{OURS}, bearer.t", "bearer.u"), ("t", "u"), OURS, False),
        ((f"{OURS}, bearer",), (), OURS, False),
        (("bearer.t",), ("t",), None, True),
        (("chat",), (), None, True),
        (("live-sessions.v2",), (), None, True),
        (("Live-Sessions.V1",), (), None, True),
        (("chat, bearer.t",), ("t",), None, True),
    ],
)
def test_lines_are_one_list_of_subprotocols_and_tokens(
    lines: tuple[str, ...], tokens: tuple[str, ...], answer: str | None, is_unsupported: bool
) -> None:
    found = offer(*lines)
    assert found.tokens == tokens
    assert (found.answer, found.is_unsupported) == (answer, is_unsupported)


@pytest.mark.parametrize("header", ["sec-websocket-protocol", "SEC-WEBSOCKET-PROTOCOL"])
def test_the_case_of_the_headers_name_does_not_matter(header: str) -> None:
    assert offer(f"{OURS}, bearer.t", header=header).tokens == ("t",)


def test_tokens_of_both_places_are_counted() -> None:
    assert offer(f"{OURS}, bearer.t", tokens=["t"]).tokens == ("t", "t")
    assert offer(tokens=["", ""]).tokens == ("", "")
    assert not offer(tokens=["t"]).is_unsupported


def test_an_event_without_headers_and_query_offers_nothing() -> None:
    for event in ({}, {"multiValueHeaders": None, "multiValueQueryStringParameters": None}):
        found = Offer.of(event)
        assert (found.tokens, found.answer, found.is_unsupported) == ((), None, False)


def test_an_offer_does_not_show_its_tokens() -> None:
    assert "secret" not in repr(offer(f"{OURS}, bearer.secret", tokens=["secret"]))
