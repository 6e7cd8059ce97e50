"""Where the tokens of a run come from."""

import pytest

from operations.verify.deployment import CannotVerify
from operations.verify.options import Options
from operations.verify.speaker import speaker_tokens
from tests.operations.verify.contexts import context_of

ISSUER = "https://login.example.com"


@pytest.mark.parametrize("username", [None, "ada@example.com"])
def test_a_stack_with_another_issuer_needs_a_token_of_it(username: str | None) -> None:
    deployment = context_of(speakerIssuer=ISSUER).deployment
    needs_token = speaker_tokens(deployment, Options(username=username), say=print)
    with (
        pytest.raises(CannotVerify, match=f"only {ISSUER} signs speakers in.*--token"),
        needs_token,
    ):
        pass


def test_a_given_token_is_used_whatever_the_issuer() -> None:
    deployment = context_of(speakerIssuer=ISSUER).deployment
    with speaker_tokens(deployment, Options(token="one.two.three"), say=print) as tokens:
        assert (tokens.id_token, tokens.access_token) == ("one.two.three", "")
