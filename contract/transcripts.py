"""The bucket of transcripts: its name, and `{user}/{session}/{createdAt}/{language}.{format}`."""

import hashlib
import re
from urllib.parse import quote

MAXIMUM_BUCKET_NAME_LENGTH = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

DIGEST_LENGTH = 8


def bucket_name(prefix: str, account_id: str, region: str) -> str:
    """The name of a stack's bucket, which no other account or Region has.

    A name that S3 does not allow, since it is too long or has capitals or underscores, has a digest
    in place of the stack's name.
    """
    end = f"-transcripts-{account_id}-{region}"
    name = f"{prefix}{end}"
    if len(name) <= MAXIMUM_BUCKET_NAME_LENGTH and re.fullmatch("[a-z0-9-]+", name):
        return name
    digest = hashlib.sha256(prefix.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"live-sessions-{digest}{end}"


def user_folder(user_id: str) -> str:
    """Where the transcripts of a user are; nothing in it is a slash or a wildcard."""
    return f"{quote(user_id, safe='')}/"


def session_folder(user_id: str, session_id: str) -> str:
    """Where the transcripts of a user's sessions of that id are."""
    return session_in(user_folder(user_id), session_id)


def session_in(folder_of_user: str, session_id: str) -> str:
    """The same, given the folder of the user."""
    return f"{folder_of_user}{quote(session_id, safe='')}/"
