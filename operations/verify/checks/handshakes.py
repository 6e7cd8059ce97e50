"""Handshakes: a valid token and no token must be accepted, every invalid token refused."""

from collections.abc import Iterator

import jwt
from websockets.exceptions import WebSocketException

from client.sockets import HandshakeRefused
from operations.verify import tokens
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, not_checked, not_tried, right, wrong

REFUSED = 403
Candidates = dict[str, str | None]


def handshakes(context: Context) -> Iterator[Verdict]:
    """Open sockets with valid and invalid tokens."""
    run_clients = context.clients
    genuine = run_clients.tokens.id_token
    way_out = "see the authorizer's log group; redeploy it if its code was changed"
    for subject, token in (("genuine token", genuine), ("no token, as a listener", None)):
        status = _status(context, token)
        if status is None:
            yield right(subject, "opens a socket")
        else:
            yield wrong(subject, f"was refused with {status}", way_out)
    try:
        candidates = _candidates(context, genuine)
    except jwt.PyJWTError as error:
        yield not_checked("invalid tokens", f"the speaker's own token cannot be read: {error}")
        return
    for subject, token in candidates.items():
        if unfit := _unfit(context, subject, token):
            yield not_checked(subject, unfit, "pass a file with a suitable token")
            continue
        if token is None:
            yield not_tried(subject, *_why_untried(subject))
            continue
        status = _status(context, token)
        if status is None:
            yield wrong(
                subject, "OPENS A SPEAKER'S SOCKET", f"take the stack out of service; {way_out}"
            )
        elif status != REFUSED:
            yield wrong(subject, f"was refused with {status} instead of {REFUSED}", way_out)
        else:
            yield right(subject, f"refused with {status}")


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
        "access token instead of ID token": context.clients.tokens.access_token or None,
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
    if subject.startswith("access"):
        return "--token gives only an ID token", "omit --token, or use --username"
    if subject.startswith("expired"):
        return (
            "only Cognito can sign one",
            "keep an ID token of this stack for an hour, and pass it with --expired-token-file",
        )
    return (
        "only Cognito can sign one",
        "pass a valid ID token of another client of the pool with --foreign-token-file",
    )


def _status(context: Context, token: str | None) -> int | str | None:
    """Return the HTTP status of a refused handshake, or None if the socket opened."""
    run_clients = context.clients
    try:
        client = (
            run_clients.listener()
            if token is None
            else run_clients.speaker("candidate", token=token)
        )
    except HandshakeRefused as refusal:
        return refusal.status
    except (WebSocketException, OSError) as error:
        return type(error).__name__
    client.close()
    return None
