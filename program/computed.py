"""The outputs that AWS would compute for each resource type, with made-up values."""

from collections.abc import Callable
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"

_LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
_INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
ALIAS = "aws:lambda/alias:Alias"
BUCKET = "aws:s3/bucket:Bucket"

# By type token: the computed outputs, from the resource's physical or logical name.
COMPUTED: dict[str, Callable[[str], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": lambda name: {
        "arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{name}",
        "domainValidationOptions": [
            {
                "domainName": name,
                "resourceRecordName": f"_proof.{name}",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_answer.acm-validations.aws",
            }
        ],
    },
    "aws:acm/certificateValidation:CertificateValidation": lambda name: {},
    "aws:apigateway/account:Account": lambda name: {},
    "aws:apigatewayv2/api:Api": lambda name: {
        "apiEndpoint": f"wss://abc123.execute-api.{REGION}.amazonaws.com",
        "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc123",
    },
    "aws:apigatewayv2/apiMapping:ApiMapping": lambda name: {},
    "aws:apigatewayv2/authorizer:Authorizer": lambda name: {},
    "aws:apigatewayv2/deployment:Deployment": lambda name: {},
    "aws:apigatewayv2/domainName:DomainName": lambda name: {
        "domainNameConfiguration": {
            "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{name}",
            "endpointType": "REGIONAL",
            "securityPolicy": "TLS_1_2",
            "targetDomainName": f"d-abc123.execute-api.{REGION}.amazonaws.com",
            "hostedZoneId": "Z1EXAMPLE",
        }
    },
    "aws:apigatewayv2/integration:Integration": lambda name: {},
    "aws:apigatewayv2/route:Route": lambda name: {},
    "aws:apigatewayv2/routeResponse:RouteResponse": lambda name: {},
    "aws:apigatewayv2/stage:Stage": lambda name: {},
    "aws:cloudfront/distribution:Distribution": lambda name: {
        "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{name}",
        "domainName": f"d{name}.cloudfront.net",
        "hostedZoneId": "Z2FDTNDATAQYW2",
    },
    "aws:cloudfront/originAccessControl:OriginAccessControl": lambda name: {},
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": lambda name: {},
    "aws:cloudwatch/dashboard:Dashboard": lambda name: {},
    "aws:cloudwatch/eventRule:EventRule": lambda name: {
        "arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    },
    "aws:cloudwatch/eventTarget:EventTarget": lambda name: {},
    "aws:cloudwatch/logGroup:LogGroup": lambda name: {
        "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda name: {
        "arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    },
    "aws:cognito/userPool:UserPool": lambda name: {
        "arn": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{name}"
    },
    "aws:cognito/userPoolClient:UserPoolClient": lambda name: {},
    "aws:cognito/userPoolDomain:UserPoolDomain": lambda name: {},
    "aws:dynamodb/table:Table": lambda name: {
        "arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    },
    "aws:iam/role:Role": lambda name: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:iam/rolePolicy:RolePolicy": lambda name: {},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda name: {},
    "aws:kms/alias:Alias": lambda name: {},
    "aws:kms/key:Key": lambda name: {
        "arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}",
        "keyId": name,
    },
    ALIAS: lambda name: {
        "arn": f"{_LAMBDA}:function:{name}",
        "invokeArn": f"{_INVOKE}/{_LAMBDA}:function:{name}/invocations",
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda name: {},
    "aws:lambda/function:Function": lambda name: {
        "arn": f"{_LAMBDA}:function:{name}",
        "invokeArn": f"{_INVOKE}/{_LAMBDA}:function:{name}/invocations",
        "version": "1",
    },
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": lambda name: {},
    "aws:lambda/layerVersion:LayerVersion": lambda name: {
        "arn": f"{_LAMBDA}:layer:{name}:1",
        "layerArn": f"{_LAMBDA}:layer:{name}",
    },
    "aws:lambda/permission:Permission": lambda name: {},
    "aws:route53/record:Record": lambda name: {"fqdn": name},
    BUCKET: lambda name: {
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda name: {},
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda name: {},
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": lambda name: {},
    "aws:s3/bucketPolicy:BucketPolicy": lambda name: {},
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda name: {},
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        lambda name: {}
    ),
    "aws:sns/topic:Topic": lambda name: {"arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"},
    "aws:sns/topicPolicy:TopicPolicy": lambda name: {},
    "aws:sns/topicSubscription:TopicSubscription": lambda name: {},
    "aws:sqs/queue:Queue": lambda name: {
        "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
    },
    "aws:sqs/queuePolicy:QueuePolicy": lambda name: {},
    "pulumi:providers:aws": lambda name: {},
}
