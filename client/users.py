"""Users of a stack's pool, as an operator makes them: nobody signs up."""

import secrets
from typing import Any

# The pool asks for small and capital letters and digits.
ALL_KINDS = "-aA1"


def new_password() -> str:
    return secrets.token_urlsafe(24) + ALL_KINDS


def add_user(cognito: Any, pool: str, username: str, password: str) -> None:
    """Make a confirmed user, who is sent no mail; `cognito` is a boto3 client.

    Raises what boto3 raises.
    """
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": username},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=username, Password=password, Permanent=True
    )
