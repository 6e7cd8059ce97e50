"""S3 buckets, their objects, and the settings of a bucket that are resources of their own."""

import base64
import json
from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource


def create_bucket(account: Account, resource: Resource) -> Created:
    name = resource.inputs["bucket"]
    client = account.client("s3")
    where: Any = {}
    if account.region != "us-east-1":
        where = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    client.create_bucket(Bucket=name, **where)
    client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": resource.tag_list})
    return _bucket(account, resource)


def keep_bucket(account: Account, resource: Resource) -> Created:
    """Only what decides about its deletion, and its tags, can change in place."""
    name = resource.inputs["bucket"]
    account.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": resource.tag_list})
    return _bucket(account, resource)


def block_public_access(account: Account, resource: Resource) -> Created:
    bucket = resource.inputs["bucket"]
    account.client("s3").put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=resource.request(without=("bucket",))
    )
    return Created(id=bucket)


def set_ownership(account: Account, resource: Resource) -> Created:
    bucket = resource.inputs["bucket"]
    rule = {"ObjectOwnership": resource.inputs["rule"]["objectOwnership"]}
    account.client("s3").put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [rule]}
    )
    return Created(id=bucket)


def set_encryption(account: Account, resource: Resource) -> Created:
    bucket = resource.inputs["bucket"]
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
            }
        }
        for rule in resource.inputs["rules"]
    ]
    account.client("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
    )
    return Created(id=bucket)


def set_lifecycle(account: Account, resource: Resource) -> Created:
    bucket = resource.inputs["bucket"]
    rules = [
        {
            "ID": rule["id"],
            "Status": rule["status"],
            "Filter": {"Prefix": rule["filter"]["prefix"]},
            "Expiration": {"Days": rule["expiration"]["days"]},
            "AbortIncompleteMultipartUpload": {
                "DaysAfterInitiation": rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"]
            },
        }
        for rule in resource.inputs["rules"]
    ]
    account.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )
    return Created(id=bucket)


def set_policy(account: Account, resource: Resource) -> Created:
    bucket, policy = resource.inputs["bucket"], resource.inputs["policy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=text)
    return Created(id=bucket)


def put_object(account: Account, resource: Resource) -> Created:
    inputs = resource.inputs
    request = resource.request(without=("content", "contentBase64", "overrideProvider"))
    encoded = inputs.get("contentBase64")
    body = inputs["content"].encode() if encoded is None else base64.b64decode(encoded)
    answer = account.client("s3").put_object(Body=body, **request)
    return Created(id=f"{inputs['bucket']}/{inputs['key']}", outputs={"etag": answer["ETag"]})


def _bucket(account: Account, resource: Resource) -> Created:
    name = resource.inputs["bucket"]
    outputs = {
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegionalDomainName": f"{name}.s3.{account.region}.amazonaws.com",
        "tagsAll": resource.tags,
    }
    return Created(id=name, outputs=outputs)


KINDS = {
    "aws:s3/bucket:Bucket": Kind(create_bucket, update=keep_bucket),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Kind(
        set_lifecycle, update=set_lifecycle
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": Kind(put_object, update=put_object),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Kind(
        set_ownership, update=set_ownership
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Kind(set_policy, update=set_policy),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Kind(
        block_public_access, update=block_public_access
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Kind(
        set_encryption, update=set_encryption
    ),
}
