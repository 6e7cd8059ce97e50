"""A bucket that nobody can make public, encrypted and without access lists."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """`regional_domain_name` is its address within AWS, `last_step` the last of its settings."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    regional_domain_name: pulumi.Output[str]
    last_step: pulumi.Resource
    _bucket: pulumi.Resource
    _parent: pulumi.Resource | None

    def setting(self, *, after: pulumi.Resource) -> ResourceOptions:
        """The options of a further setting, which is made after another one.

        It goes with the bucket: one that stays is not left without it. Each setting is an API call
        of its own, and S3 refuses some that come at once.
        """
        return _setting(self._bucket, self._parent, after)


def private_bucket(
    name: str,
    *,
    bucket_name: pulumi.Input[str],
    force_destroy: bool,
    opts: ResourceOptions,
    bucket_opts: ResourceOptions | None = None,
) -> PrivateBucket:
    """Make the bucket and its settings as children of the parent in `opts`.

    `force_destroy`: whether it is deleted even if there is something in it. `bucket_opts`: options
    of the bucket itself, if it has others.
    """
    bucket = aws.s3.Bucket(
        f"{name}-bucket",
        bucket=bucket_name,
        force_destroy=force_destroy,
        opts=bucket_opts or opts,
    )
    blocked = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=_setting(bucket, opts.parent),
    )
    owned = aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=_setting(bucket, opts.parent, blocked),
    )
    encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=(
            aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256"
            )
        ),
    )
    encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.bucket,
        rules=[encryption],
        opts=_setting(bucket, opts.parent, owned),
    )
    return PrivateBucket(
        name=bucket.bucket,
        arn=bucket.arn,
        regional_domain_name=bucket.bucket_regional_domain_name,
        last_step=encrypted,
        _bucket=bucket,
        _parent=opts.parent,
    )


def _setting(
    bucket: pulumi.Resource, parent: pulumi.Resource | None, *after: pulumi.Resource
) -> ResourceOptions:
    return ResourceOptions(parent=parent, deleted_with=bucket, depends_on=after)
