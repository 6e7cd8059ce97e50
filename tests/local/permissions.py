"""Taking a statement out of a function's role, to see what depends on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from local.cloud import LocalCloud

POLICY = "permissions"


@contextmanager
def without_statement(cloud: LocalCloud, entry: str, sid: str) -> Iterator[None]:
    """Run a block while the function's role lacks one statement; raises KeyError if it has none."""
    iam = cloud.client("iam")
    role = cloud.outputs["functionNames"][entry]
    policy = iam.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    if len(kept) == len(policy["Statement"]):
        raise KeyError(f"the role of {entry} has no statement {sid!r}")

    def put(document: object) -> None:
        iam.put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=json.dumps(document))

    put({**policy, "Statement": kept})
    try:
        yield
    finally:
        put(policy)
