"""Your organization's own transforms: add them to TRANSFORMS, and to no other module.

The engine calls each for every resource, in this order, before the resource is registered; it may
change inputs (`args.props`, camelCase as AWS's own names) and options. See Organizations' rules in
docs/operations.md for an example and for policy packs.
"""

import pulumi

TRANSFORMS: tuple[pulumi.ResourceTransform, ...] = ()


def register_transforms() -> None:
    """Register all transforms; resources that were made before are not affected."""
    for transform in TRANSFORMS:
        pulumi.runtime.register_resource_transform(transform)
