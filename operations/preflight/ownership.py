"""Whose a resource is: the program tags each of its resources with its project and stack."""

import json
from collections.abc import Iterable, Mapping

from operations.verify.context import Context

PROVIDER = "pulumi:providers:aws"
OWNER_TAGS = ("Project", "Stack")

Tags = Mapping[str, str]


def owner_of(context: Context) -> dict[str, str]:
    """The tags that this stack's resources have and no other's do."""
    # A second one, for another Region, has the same.
    provider, *_ = context.declared.of(PROVIDER).values()
    tags = json.loads(provider["defaultTags"])["tags"]
    return {name: tags[name] for name in OWNER_TAGS}


def is_owned(tags: Tags, owner: Tags) -> bool:
    """Whether a resource with these tags is the owner's."""
    return all(tags.get(name) == value for name, value in owner.items())


def described(tags: Tags) -> str:
    """Whose a resource with these tags seems to be."""
    seen = [f"{name}={tags[name]}" for name in OWNER_TAGS if name in tags]
    return f"it is tagged {', '.join(seen)}" if seen else "it has no tags of a stack"


def tags_of(pairs: Iterable[Mapping[str, str]], prefix: str = "") -> Tags:
    """Tags from the list of pairs that most services return; KMS names them TagKey and TagValue."""
    return {each[f"{prefix}Key"]: each[f"{prefix}Value"] for each in pairs}
