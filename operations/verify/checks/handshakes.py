"""Handshakes: a valid token and no token must be accepted, every invalid token refused."""

from collections.abc import Iterator
from typing import NamedTuple

import jwt
from websockets.exceptions import WebSocketException

from client.sign_in import Tokens
from client.sockets import HandshakeRefused
from contract.handshake import BEARER_PREFIX, SUBPROTOCOL
from operations.verify import tokens
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, not_checked, not_tried, right, wrong

REFUSED = 403
UNSUPPORTED = 400
WAY_OUT = "see the authorizer's log group; redeploy it if its code was changed"
Candidates = dict[str, str | None]


class Offer(NamedTuple):
    """What a client sends at the handshake."""

    subprotocols: tuple[str, ...]
    query_tokens: tuple[str, ...] = ()


def handshakes(context: Context) -> Iterator[Verdict]:
    """Open sockets with valid and invalid tokens, in each way to send one."""
    genuine = context.clients.tokens.id_token
    for subject, offer in _valid(context.clients.tokens).items():
        status = _status(context, offer)
        if status is None:
            yield right(subject, "opens a socket")
        else:
            yield wrong(subject, f"was refused with {status}", WAY_OUT)
    for subject, (offer, refusal) in _invalid_offers(genuine).items():
        yield _refused(context, subject, offer, refusal)
    try:
        candidates = _candidates(context, genuine)
    except jwt.PyJWTError as error:
        yield not_checked("invalid tokens", f"the speaker's own token cannot be read: {error}")
        return
    for subject, token in candidates.items():
        if unfit := _unfit(context, subject, token):
            yield not_checked(subject, unfit, "pass a file with a suitable token")
        elif token is None:
            yield not_tried(subject, *_why_untried(subject))
        else:
            yield _refused(context, subject, Offer(_bearing(token)), REFUSED)


def _refused(context: Context, subject: str, offer: Offer, refusal: int) -> Verdict:
    status = _status(context, offer)
    if status is None:
        return wrong(subject, "OPENS A SOCKET", f"take the stack out of service; {WAY_OUT}")
    if status != refusal:
        return wrong(subject, f"was refused with {status} instead of {refusal}", WAY_OUT)
    return right(subject, f"refused with {status}")


def _bearing(token: str) -> tuple[str, ...]:
    return SUBPROTOCOL, f"{BEARER_PREFIX}{token}"


def _valid(tokens: Tokens) -> dict[str, Offer]:
    """Offers that must open a socket."""
    access = {"access token": Offer(_bearing(tokens.access_token))} if tokens.access_token else {}
    return {
        "genuine token": Offer(_bearing(tokens.id_token)),
        "genuine token in the URL": Offer((), (tokens.id_token,)),
        **access,
        "no token, as a listener": Offer((SUBPROTOCOL,)),
        "no token and no subprotocol": Offer(()),
    }


def _invalid_offers(genuine: str) -> dict[str, tuple[Offer, int]]:
    """Offers of a genuine token that must be refused, each with its status."""
    return {
        "token without its subprotocol": (Offer((f"{BEARER_PREFIX}{genuine}",)), UNSUPPORTED),
        "token in two places": (Offer(_bearing(genuine), (genuine,)), REFUSED),
    }


def _candidates(context: Context, genuine: str) -> Candidates:
    """Tokens that must be refused; None for those that cannot be made."""
    folder = context.deployment.emulator_folder
    return {
        "malformed token": tokens.MALFORMED,
        "tampered token": tokens.tampered(genuine),
        "token signed by another key": tokens.signed_by_another_key(genuine),
        "unsigned token": tokens.unsigned(genuine),
        "expired token": context.expired_token or (folder and tokens.expired(genuine, folder)),
        "token of another client": context.foreign_token
        or (folder and tokens.of_another_client(genuine, folder)),
    }


def _unfit(context: Context, subject: str, token: str | None) -> str:
    """Why the refusal of a given token would prove nothing; "" if it would."""
    outputs = context.deployment.outputs
    try:
        if token and token == context.expired_token and subject.startswith("expired"):
            return tokens.unfit_as_expired(token, outputs)
        if token and token == context.foreign_token:
            return tokens.unfit_as_foreign(token, outputs)
    except jwt.PyJWTError as error:
        return f"it is not a token: {error}"
    return ""


def _why_untried(subject: str) -> tuple[str, str]:
    if subject.startswith("expired"):
        return (
            "only the issuer can sign one",
            "keep an ID token of this stack for an hour, and pass it with --expired-token-file",
        )
    return (
        "only the issuer can sign one",
        "pass a valid ID token of another client of the issuer with --foreign-token-file",
    )


def _status(context: Context, offer: Offer) -> int | str | None:
    """Return the HTTP status of a refused handshake, or None if the socket opened."""
    try:
        client = context.clients.handshake(offer.subprotocols, offer.query_tokens)
    except HandshakeRefused as refusal:
        return refusal.status
    except (WebSocketException, OSError) as error:
        return type(error).__name__
    client.close()
    return None
