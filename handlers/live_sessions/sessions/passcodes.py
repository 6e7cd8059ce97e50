"""The passcodes of sessions: six digits, as a string."""

import secrets

PASSCODE_DIGITS = 6


def random_passcode() -> str:
    """A passcode such as `048213`; all are equally likely."""
    return f"{secrets.randbelow(10**PASSCODE_DIGITS):0{PASSCODE_DIGITS}}"
