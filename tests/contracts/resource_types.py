"""What each resource type stores, and whether it is public.

A type that is new to the program must be classified here.
"""

from collections.abc import Callable, Mapping
from typing import Any

Inputs = Mapping[str, Any]


def _always(inputs: Inputs) -> bool:
    return True


# Types that store data of users or of the stack, with a check that its inputs encrypt it. For a
# service that always encrypts, its page is named.
ENCRYPTED: dict[str, Callable[[Inputs], bool]] = {
    "aws:dynamodb/table:Table": lambda inputs: inputs["serverSideEncryption"] == {"enabled": True},
    "aws:sqs/queue:Queue": lambda inputs: inputs["sqsManagedSseEnabled"] is True,
    "aws:sns/topic:Topic": lambda inputs: inputs["kmsMasterKeyId"].endswith(":key/alarms-key"),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    "aws:cloudwatch/logGroup:LogGroup": _always,
    # Code and environment: https://docs.aws.amazon.com/lambda/latest/dg/security-encryption-at-rest.html
    "aws:lambda/function:Function": _always,
    "aws:lambda/layerVersion:LayerVersion": _always,
    # https://docs.aws.amazon.com/cognito/latest/developerguide/data-protection.html
    "aws:cognito/userPool:UserPool": _always,
    # Its private key: https://docs.aws.amazon.com/acm/latest/userguide/data-protection.html
    "aws:acm/certificate:Certificate": _always,
    "aws:kms/key:Key": lambda inputs: inputs["enableKeyRotation"] is True,
    # By its own resource, and in any case by S3:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    "aws:s3/bucket:Bucket": _always,
    "aws:s3/bucketObjectv2:BucketObjectv2": _always,
}
# Types that describe the stack and store no data of users.
HOLDS_NOTHING = {
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:apigateway/account:Account",
    "aws:apigatewayv2/api:Api",
    "aws:apigatewayv2/apiMapping:ApiMapping",
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:apigatewayv2/deployment:Deployment",
    "aws:apigatewayv2/domainName:DomainName",
    "aws:apigatewayv2/integration:Integration",
    "aws:apigatewayv2/route:Route",
    "aws:apigatewayv2/routeResponse:RouteResponse",
    "aws:apigatewayv2/stage:Stage",
    "aws:cloudfront/distribution:Distribution",
    "aws:cloudfront/originAccessControl:OriginAccessControl",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:cognito/userPoolDomain:UserPoolDomain",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/alias:Alias",
    "aws:lambda/alias:Alias",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:lambda/permission:Permission",
    "aws:route53/record:Record",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queuePolicy:QueuePolicy",
    "pulumi:providers:aws",
}
# Types that are public, and why.
ANSWERS_EVERYBODY = {
    "aws:apigatewayv2/api:Api": "clients connect; the authorizer decides on each handshake",
    "aws:apigatewayv2/domainName:DomainName": "another name of the same API",
    "aws:cloudfront/distribution:Distribution": "the pages, which hold nothing of anybody",
    "aws:cognito/userPool:UserPool": "speakers sign in; only an operator creates them",
    "aws:cognito/userPoolDomain:UserPoolDomain": "where they sign in",
    "aws:route53/record:Record": "DNS names are public",
}
# Types that could make a stack public, whatever it is meant for; the program uses none of them.
OPENINGS = (
    "aws:s3/accessPoint:",
    "aws:s3/bucketAcl:",
    "aws:s3/bucketWebsiteConfiguration:",
    "aws:lambda/functionUrl:",
    "aws:ec2/",
    "aws:lb/",
    "aws:cognito/identityPool:",
)
