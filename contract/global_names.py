"""Names that AWS keeps unique beyond one account: they carry the account's id."""

import hashlib
import re
from collections.abc import Collection

MAXIMUM_LENGTH = 63
"""Of a bucket's name and of a user pool's domain:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html,
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolDomain.html
"""

DIGEST_LENGTH = 8


def global_name(prefix: str, ending: str, forbidden: Collection[str] = ()) -> str:
    """`{prefix}-{ending}`, which has lower-case letters, digits and hyphens alone.

    Where the name is too long, has other characters or a forbidden word, a digest takes the place
    of the stack's name.
    """
    name = f"{prefix}-{ending}"
    is_allowed = len(name) <= MAXIMUM_LENGTH and re.fullmatch("[a-z0-9-]+", name)
    if is_allowed and not any(word in name for word in forbidden):
        return name
    digest = hashlib.sha256(prefix.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"live-sessions-{digest}-{ending}"
