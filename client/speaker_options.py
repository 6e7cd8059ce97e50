"""The command-line options by which a command signs in as a speaker."""

import argparse
import getpass
import os
import warnings

TOKEN_VARIABLE = "LIVE_SESSIONS_TOKEN"  # noqa: S105
PASSWORD_VARIABLE = "LIVE_SESSIONS_PASSWORD"  # noqa: S105


class PasswordUnavailable(Exception):
    """There is no password and no terminal to prompt on; the message names the fix."""


def add_speaker_options(parser: argparse.ArgumentParser, *, default_speaker: str) -> None:
    """Add `--token` and `--username`; `default_speaker` says who speaks without either."""
    parser.add_argument(
        "--token", help=f"a speaker's ID or access token; also from {TOKEN_VARIABLE}"
    )
    parser.add_argument(
        "--username",
        help=f"sign in as this user, with the password in {PASSWORD_VARIABLE} or a prompt for it "
        f"(default: {default_speaker})",
    )


def token_of(given: str | None) -> str | None:
    """Return the token given on the command line, or else the one in the environment."""
    return given or os.environ.get(TOKEN_VARIABLE)


def password_of(username: str | None) -> str:
    """Return the password in the environment, or prompt for it. Raises PasswordUnavailable."""
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"Password of {username}: ")
        except (getpass.GetPassWarning, EOFError):
            raise PasswordUnavailable(
                f"cannot prompt for the password of {username} without a terminal: "
                f"set {PASSWORD_VARIABLE}"
            ) from None
