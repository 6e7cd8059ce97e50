"""The speaker's tokens: a given token, a given user's, or those of a user created for the run."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from client.sign_in import Tokens, add_user, new_password, tokens_of
from client.speaker_options import TOKEN_VARIABLE, PasswordUnavailable, password_of, token_of
from operations.verify.deployment import CannotVerify, Deployment
from operations.verify.interruptions import uninterrupted
from operations.verify.options import Options

Say = Callable[[str], None]


@contextmanager
def speaker_tokens(deployment: Deployment, options: Options, say: Say) -> Iterator[Tokens]:
    """Yield the tokens; delete a user created for the run. Raises CannotVerify."""
    if token := token_of(options.token):
        yield Tokens(token, access_token="")
        return
    if "userPoolId" not in deployment.outputs:
        raise CannotVerify(
            f"only {deployment.outputs['speakerIssuer']} signs speakers in: pass a token of it, "
            f"for one of the stack's audiences, with --token or {TOKEN_VARIABLE}"
        )
    if options.username:
        yield _signed_in(deployment, options.username, _password_of(options.username))
        return
    with _user_for_the_run(deployment, say) as (username, password):
        yield _signed_in(deployment, username, password)


def _password_of(username: str) -> str:
    try:
        return password_of(username)
    except PasswordUnavailable as error:
        raise CannotVerify(str(error)) from None


def _signed_in(deployment: Deployment, username: str, password: str) -> Tokens:
    try:
        return tokens_of(deployment.outputs, username, password)
    except (BotoCoreError, ClientError) as error:
        raise CannotVerify(
            f"{username} cannot sign in: {error}; pass another --username, or a token with "
            f"--token or {TOKEN_VARIABLE}"
        ) from None


@contextmanager
def _user_for_the_run(deployment: Deployment, say: Say) -> Iterator[tuple[str, str]]:
    """Create a confirmed user of the pool, without an email to them."""
    cognito, pool = deployment.client("cognito-idp"), deployment.outputs["userPoolId"]
    username = f"verify-{secrets.token_hex(6)}@example.com"
    password = new_password()
    try:
        try:
            add_user(cognito, pool, username, password)
        except (BotoCoreError, ClientError) as error:
            raise CannotVerify(
                f"no user can be created in {pool}: {error}; pass one with --username, or an ID "
                f"token with --token or {TOKEN_VARIABLE}"
            ) from None
        yield username, password
    finally:
        with uninterrupted():
            _delete(cognito, pool, username, say)


def _delete(cognito: Any, pool: str, username: str, say: Say) -> None:
    try:
        with suppress(cognito.exceptions.UserNotFoundException):
            cognito.admin_delete_user(UserPoolId=pool, Username=username)
    except (BotoCoreError, ClientError) as error:
        say(f"user {username} of {pool} could not be deleted: {error}; delete it yourself")
