"""A bucket that nobody can make public, encrypted and without access lists."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """`regional_domain_name` is its address within AWS; `setting` are the options of what else sets
    the bucket up.

    That goes with the bucket: one that stays is not left without it. And it comes after what is
    set here, since each setting is an API call of its own, and S3 refuses some that come at once.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    regional_domain_name: pulumi.Output[str]
    setting: ResourceOptions


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

    def after(*others: pulumi.Resource) -> ResourceOptions:
        return ResourceOptions(parent=opts.parent, deleted_with=bucket, depends_on=others)

    blocked = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=after(),
    )
    owned = aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=after(blocked),
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
        opts=after(owned),
    )
    return PrivateBucket(
        name=bucket.bucket,
        arn=bucket.arn,
        regional_domain_name=bucket.bucket_regional_domain_name,
        setting=after(encrypted),
    )
