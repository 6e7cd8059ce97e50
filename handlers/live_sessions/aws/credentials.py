"""The keys that requests are signed with: Lambda's variables, or those of its credentials endpoint.

A function that starts from a snapshot has the endpoint alone; botocore fetches keys from it and
renews them before they expire.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-credentials
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from live_sessions.aws.runtime import AwsEnvironment

if TYPE_CHECKING:
    from botocore.credentials import Credentials


class KeysUnavailable(OSError):
    """There are no keys, or the endpoint that has them does not answer."""


class Keys(NamedTuple):
    """An access key with its secret, and the token that goes with temporary ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None


def keys_of(aws: AwsEnvironment) -> Keys:
    """The keys that are valid now; raises `KeysUnavailable`."""
    if aws.aws_access_key_id and aws.aws_secret_access_key:
        return Keys(aws.aws_access_key_id, aws.aws_secret_access_key, aws.aws_session_token)
    # Imported here: botocore is slow to import, and the heartbeat function does not use it.
    from botocore.exceptions import BotoCoreError

    try:
        found = _renewed().get_frozen_credentials()
    except BotoCoreError as failure:
        raise KeysUnavailable(str(failure)) from failure
    return Keys(str(found.access_key), str(found.secret_key), found.token)


@cache
def _renewed() -> "Credentials":
    from botocore.session import Session

    found = Session().get_credentials()
    if found is None:
        raise KeysUnavailable(
            "neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, nor"
            " AWS_CONTAINER_CREDENTIALS_FULL_URI, as in a function that starts from a snapshot"
        )
    return found
