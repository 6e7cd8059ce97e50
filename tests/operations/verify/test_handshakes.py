"""How handshakes are checked by their status."""

from typing import Any

import jwt
import pytest

from client.sign_in import Tokens
from client.sockets import HandshakeRefused
from operations.verify.checks import handshakes
from operations.verify.verdicts import Result
from tests.operations.verify.contexts import context_of

KEY = "a-key-of-at-least-thirty-two-bytes!!"
GENUINE = jwt.encode({"sub": "ada", "exp": 1}, KEY, "HS256", {"kid": "one"})


class Socket:
    def close(self) -> None:
        """Nothing is open."""


class Door:
    """Accepts the genuine token; refuses others with the status, or accepts them if it is None."""

    tokens = Tokens(GENUINE, "")

    def __init__(self, status: int | None) -> None:
        self._status = status

    def speaker(self, name: str, *, token: str) -> Socket:
        if token != GENUINE and self._status:
            raise HandshakeRefused(self._status)
        return Socket()

    def listener(self) -> Socket:
        return Socket()


@pytest.mark.parametrize(
    ("status", "result", "seen"),
    [
        (403, Result.RIGHT, "refused with 403"),
        (500, Result.WRONG, "was refused with 500 instead of 403"),
        (None, Result.WRONG, "OPENS A SPEAKER'S SOCKET"),
    ],
)
def test_only_403_is_a_refusal(status: int | None, result: Result, seen: str) -> None:
    door: Any = Door(status)
    verdicts = {each.subject: each for each in handshakes(context_of(run_clients=door))}
    assert verdicts["genuine token"].result is Result.RIGHT
    for subject in ("malformed token", "tampered token", "unsigned token"):
        assert (verdicts[subject].result, verdicts[subject].seen) == (result, seen)
    for subject in ("expired token", "token of another client"):
        assert verdicts[subject].result is Result.NOT_TRIED
    assert GENUINE not in repr(verdicts)


def test_a_refused_listener_is_reported() -> None:
    class Shut(Door):
        def listener(self) -> Socket:
            raise HandshakeRefused(500)

    door: Any = Shut(403)
    verdicts = {each.subject: each for each in handshakes(context_of(run_clients=door))}
    assert verdicts["no token, as a listener"].seen == "was refused with 500"
