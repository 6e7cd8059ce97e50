"""How handshakes are checked by their status."""

from typing import Any

import jwt
import pytest

from client.sign_in import Tokens
from client.sockets import HandshakeRefused, SubprotocolNotAnswered
from operations.verify.checks import handshakes
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import context_of

KEY = "a-key-of-at-least-thirty-two-bytes!!"
GENUINE = jwt.encode({"sub": "ada", "exp": 1}, KEY, "HS256", {"kid": "one"})


class Socket:
    def close(self) -> None:
        """Nothing is open."""


class Door:
    """Decides as a right stack does, except that it refuses what must be refused with `status`, or
    accepts it if that is None.
    """

    tokens = Tokens(GENUINE, "")

    def __init__(self, status: int | None = 403) -> None:
        self._status = status
        self.offered: list[tuple[str, ...]] = []

    def handshake(self, subprotocols: tuple[str, ...], query_tokens: tuple[str, ...]) -> Socket:
        self.offered.append(subprotocols)
        tokens = [each for each in subprotocols if each.startswith("bearer.")] + [*query_tokens]
        if self._status and (len(tokens) > 1 or not {*tokens} <= {GENUINE, f"bearer.{GENUINE}"}):
            raise HandshakeRefused(self._status)
        if self._status and subprotocols and "live-sessions.v1" not in subprotocols:
            raise HandshakeRefused(400)
        return Socket()


def verdicts_of(door: Any) -> dict[str, Verdict]:
    return {each.subject: each for each in handshakes(context_of(run_clients=door))}


@pytest.mark.parametrize(
    ("status", "result", "seen"),
    [
        (403, Result.RIGHT, "refused with 403"),
        (500, Result.WRONG, "was refused with 500 instead of 403"),
        (None, Result.WRONG, "OPENS A SOCKET"),
    ],
)
def test_only_403_is_a_refusal(status: int | None, result: Result, seen: str) -> None:
    verdicts = verdicts_of(Door(status))
    assert verdicts["genuine token"].result is Result.RIGHT
    for subject in ("malformed token", "tampered token", "unsigned token", "token in two places"):
        assert (verdicts[subject].result, verdicts[subject].seen) == (result, seen)
    for subject in ("expired token", "token of another client"):
        assert verdicts[subject].result is Result.NOT_TRIED
    assert GENUINE not in repr(verdicts)


def test_every_way_to_send_a_token_is_tried() -> None:
    verdicts = verdicts_of(Door())
    for subject in ("genuine token", "genuine token in the URL", "no token, as a listener"):
        assert verdicts[subject].seen == "opens a socket"
    assert "access token" not in verdicts
    assert verdicts["token without its subprotocol"].seen == "refused with 400"


def test_an_access_token_has_to_open_a_socket() -> None:
    class WithAccessToken(Door):
        tokens = Tokens(GENUINE, "an.access.token")

    verdict = verdicts_of(WithAccessToken())["access token"]
    assert (verdict.result, verdict.seen) == (Result.WRONG, "was refused with 403")


def test_a_refused_listener_is_reported() -> None:
    class Shut(Door):
        def handshake(self, subprotocols: tuple[str, ...], query_tokens: tuple[str, ...]) -> Socket:
            raise HandshakeRefused(500)

    assert verdicts_of(Shut())["no token, as a listener"].seen == "was refused with 500"


def test_a_socket_without_the_subprotocol_in_the_answer_is_reported() -> None:
    class Silent(Door):
        def handshake(self, subprotocols: tuple[str, ...], query_tokens: tuple[str, ...]) -> Socket:
            raise SubprotocolNotAnswered("no answer")

    verdict = verdicts_of(Silent())["genuine token"]
    assert (verdict.result, verdict.seen) == (
        Result.WRONG,
        "was refused with SubprotocolNotAnswered",
    )
