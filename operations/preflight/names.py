"""How to find a resource by its physical name, for each type whose names are unique.

`FINDERS` and `MAY_BE_TAKEN` together name every type that the program gives a name.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from operations.preflight.ownership import Tags, tags_of
from operations.verify.context import Context
from operations.verify.deployment import code_of

LOOKUPS_AT_ONCE = 8
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
ALARMS_PER_CALL = 100

Found = Mapping[str, Tags]
Find = Callable[[Context, list[str]], Found]
FindOne = Callable[[Context, str], Tags | None]


def _one_by_one(find: FindOne) -> Find:
    """Look up each name, several at once; a name without a resource is left out."""

    def find_all(context: Context, names: list[str]) -> Found:
        with ThreadPoolExecutor(LOOKUPS_AT_ONCE) as threads:
            found = threads.map(lambda name: find(context, name), names)
            return {name: tags for name, tags in zip(names, found, strict=True) if tags is not None}

    return find_all


def _function(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("lambda")
    try:
        return client.get_function(FunctionName=name).get("Tags", {})
    except client.exceptions.ResourceNotFoundException:
        return None


def _table(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("dynamodb")
    try:
        arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return tags_of(client.list_tags_of_resource(ResourceArn=arn)["Tags"])


def _queue(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("sqs")
    try:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist:
        return None
    return client.list_queue_tags(QueueUrl=url).get("Tags", {})


def _role(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("iam")
    try:
        return tags_of(client.get_role(RoleName=name)["Role"].get("Tags", []))
    except client.exceptions.NoSuchEntityException:
        return None


def _log_group(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("logs")
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    groups = [each for page in pages for each in page["logGroups"] if each["logGroupName"] == name]
    if not groups:
        return None
    arn = groups[0]["arn"].removesuffix(":*")
    return client.list_tags_for_resource(resourceArn=arn).get("tags", {})


def _rule(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("events")
    try:
        arn = client.describe_rule(Name=name)["Arn"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return tags_of(client.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _topic(context: Context, name: str) -> Tags | None:
    client, identity = context.deployment.client("sns"), context.deployment.identity
    arn = f"arn:{identity.partition}:sns:{identity.region}:{identity.account_id}:{name}"
    try:
        client.get_topic_attributes(TopicArn=arn)
    except client.exceptions.NotFoundException:
        return None
    return tags_of(client.list_tags_for_resource(ResourceArn=arn)["Tags"])


def _key_alias(context: Context, name: str) -> Tags | None:
    """The tags of its key: an alias has none."""
    client = context.deployment.client("kms")
    try:
        key = client.describe_key(KeyId=name)["KeyMetadata"]["KeyId"]
    except client.exceptions.NotFoundException:
        return None
    return tags_of(client.list_resource_tags(KeyId=key)["Tags"], prefix="Tag")


def _bucket(context: Context, name: str) -> Tags | None:
    """The tags of this account's bucket; none of another's, since bucket names are global."""
    client = context.deployment.client("s3")
    if not any(each["Name"] == name for each in client.list_buckets(Prefix=name)["Buckets"]):
        return {} if _is_taken(client, name) else None
    try:
        return tags_of(client.get_bucket_tagging(Bucket=name)["TagSet"])
    except ClientError as error:
        if code_of(error) != "NoSuchTagSet":
            raise
        return {}


def _is_taken(client: Any, bucket: str) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        return code_of(error) != "404"
    return True


def _alarms(context: Context, names: list[str]) -> Found:
    client = context.deployment.client("cloudwatch")
    arns: dict[str, str] = {}
    for first in range(0, len(names), ALARMS_PER_CALL):
        some = names[first : first + ALARMS_PER_CALL]
        answer = client.describe_alarms(AlarmNames=some, MaxRecords=ALARMS_PER_CALL)
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        arns |= {each["AlarmName"]: each["AlarmArn"] for each in found}

    def tags(_: Context, name: str) -> Tags:
        return tags_of(client.list_tags_for_resource(ResourceARN=arns[name])["Tags"])

    return _one_by_one(tags)(context, sorted(arns))


def _dashboard(context: Context, name: str) -> Tags | None:
    pages = (
        context.deployment.client("cloudwatch")
        .get_paginator("list_dashboards")
        .paginate(DashboardNamePrefix=name)
    )
    names = {each["DashboardName"] for page in pages for each in page["DashboardEntries"]}
    return {} if name in names else None


def _user_pool_domain(context: Context, name: str) -> Tags | None:
    """The tags of its user pool: a domain has none."""
    client = context.deployment.client("cognito-idp")
    found = client.describe_user_pool_domain(Domain=name).get("DomainDescription") or {}
    if not found:
        return None
    try:
        pool = client.describe_user_pool(UserPoolId=found.get("UserPoolId", ""))["UserPool"]
    except ClientError:
        # Of another account.
        return {}
    return pool.get("UserPoolTags", {})


def _access_control(context: Context, name: str) -> Tags | None:
    client = context.deployment.client("cloudfront")
    pages = client.get_paginator("list_origin_access_controls").paginate()
    items = [each for page in pages for each in page["OriginAccessControlList"].get("Items", [])]
    return {} if name in {each["Name"] for each in items} else None


def _headers_policy(context: Context, name: str) -> Tags | None:
    client, marker = context.deployment.client("cloudfront"), {}
    while True:
        listed = client.list_response_headers_policies(Type="custom", **marker)
        page = listed["ResponseHeadersPolicyList"]
        policies = [each["ResponseHeadersPolicy"] for each in page.get("Items", [])]
        if name in {each["ResponseHeadersPolicyConfig"]["Name"] for each in policies}:
            return {}
        if not page.get("NextMarker"):
            return None
        marker = {"Marker": page["NextMarker"]}


@dataclass(frozen=True)
class Finder:
    """`kind` is one resource of the type in words, `name_input` the input with the name.

    `has_tags`: whether AWS keeps tags for this type; `stays`: whether a protected stack that is
    destroyed leaves it behind; `is_global`: whether another account may have the name.
    """

    kind: str
    find: Find
    name_input: str = "name"
    has_tags: bool = True
    stays: bool = False
    is_global: bool = False

    @property
    def kinds(self) -> str:
        """Several resources of the type in words."""
        if self.kind.endswith("y"):
            return f"{self.kind.removesuffix('y')}ies"
        return f"{self.kind}es" if self.kind.endswith("s") else f"{self.kind}s"

    def names_in(self, resources: Iterable[Mapping[str, Any]]) -> list[str]:
        """The physical names; Pulumi generates that of a resource without one."""
        return sorted(each[self.name_input] for each in resources if each.get(self.name_input))


# Those of which a destroyed stack leaves nothing come first: they tell whether the stack exists.
FINDERS: Mapping[str, Finder] = {
    "aws:lambda/function:Function": Finder("function", _one_by_one(_function)),
    "aws:sqs/queue:Queue": Finder("queue", _one_by_one(_queue)),
    "aws:iam/role:Role": Finder("role", _one_by_one(_role)),
    "aws:cloudwatch/logGroup:LogGroup": Finder("log group", _one_by_one(_log_group)),
    "aws:cloudwatch/eventRule:EventRule": Finder("rule", _one_by_one(_rule)),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Finder("alarm", _alarms),
    "aws:sns/topic:Topic": Finder("topic", _one_by_one(_topic)),
    "aws:kms/alias:Alias": Finder("key alias", _one_by_one(_key_alias)),
    "aws:cognito/userPoolDomain:UserPoolDomain": Finder(
        "user pool domain", _one_by_one(_user_pool_domain), name_input="domain", is_global=True
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": Finder(
        "origin access control", _one_by_one(_access_control), has_tags=False
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Finder(
        "response headers policy", _one_by_one(_headers_policy), has_tags=False
    ),
    "aws:dynamodb/table:Table": Finder("table", _one_by_one(_table), stays=True),
    "aws:s3/bucket:Bucket": Finder(
        "bucket", _one_by_one(_bucket), name_input="bucket", stays=True, is_global=True
    ),
    "aws:cloudwatch/dashboard:Dashboard": Finder(
        "dashboard", _one_by_one(_dashboard), name_input="dashboardName", has_tags=False
    ),
}
MAY_BE_TAKEN: Mapping[str, str] = {
    "aws:apigatewayv2/api:Api": "API Gateway allows several APIs of one name",
    "aws:apigatewayv2/authorizer:Authorizer": "unique in its own API only",
    "aws:apigatewayv2/stage:Stage": "unique in its own API only",
    "aws:cognito/userPool:UserPool": "Cognito allows several pools of one name",
    "aws:cognito/userPoolClient:UserPoolClient": "Cognito allows several clients of one name",
    "aws:iam/rolePolicy:RolePolicy": "unique in its own role only",
    "aws:lambda/alias:Alias": "unique in its own function only",
    "aws:lambda/layerVersion:LayerVersion": "each upload is a new version of the name",
    "aws:route53/record:Record": "checked with the custom domain",
}
"""The types with a name that may exist already, and why an update does not fail on it."""
