"""Physical names in an account that is fresh, has this stack, or has someone else's resources."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.functions import FUNCTIONS
from operations.preflight.checks.names import names
from operations.preflight.names import FINDERS, MAY_BE_TAKEN
from operations.verify.context import Context
from operations.verify.verdicts import Result
from program.engine import recorded
from program.stack_config import stack_config
from tests.contracts.program_runs import EVERYTHING
from tests.operations.preflight.accounts import (
    ACCOUNT_ID,
    FOREIGN,
    OWN,
    REGION,
    Changed,
    account,
    denied,
    emulated,
    results,
    wrong,
)
from tests.operations.verify.contexts import Service, declared

PREFIX = "live-sessions-staging"
# Staging keeps no transcripts.
OPTIONAL = {"transcripts"}
BUCKET = f"{PREFIX}-transcripts-{ACCOUNT_ID}-{REGION}"
Tags = Mapping[str, str]
Create = Callable[[str, Tags], object]


def pairs(tags: Tags, prefix: str = "") -> list[dict[str, str]]:
    return [{f"{prefix}Key": key, f"{prefix}Value": value} for key, value in tags.items()]


def create_function(name: str, tags: Tags) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("code.py", "")
    role = emulated("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    emulated("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="code.handler",
        Code={"ZipFile": archive.getvalue()},
        Tags=tags,
    )


def create_table(name: str, tags: Tags) -> None:
    emulated("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=pairs(tags),
    )


def create_bucket(name: str, tags: Tags) -> None:
    where = {"LocationConstraint": REGION}
    emulated("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    emulated("s3").create_bucket(Bucket=f"{name}-2", CreateBucketConfiguration=where)
    if tags:
        emulated("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})


def create_role(name: str, tags: Tags) -> None:
    emulated("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=pairs(tags))


def create_log_group(name: str, tags: Tags) -> None:
    emulated("logs").create_log_group(logGroupName=name, tags=tags)
    emulated("logs").create_log_group(logGroupName=f"{name}-more", tags=tags)


def create_rule(name: str, tags: Tags) -> None:
    emulated("events").put_rule(Name=name, ScheduleExpression="rate(1 minute)", Tags=pairs(tags))


def create_alarm(name: str, tags: Tags) -> None:
    emulated("cloudwatch").put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        Tags=pairs(tags),
    )


def create_alias(name: str, tags: Tags) -> None:
    key = emulated("kms").create_key(Tags=pairs(tags, "Tag"))["KeyMetadata"]["KeyId"]
    emulated("kms").create_alias(AliasName=name, TargetKeyId=key)


# Type, kind, name, and how it is created.
RESOURCES: list[tuple[str, str, Create]] = [
    ("function", f"{PREFIX}-heartbeat", create_function),
    (
        "queue",
        f"{PREFIX}-audio-0",
        lambda name, tags: emulated("sqs").create_queue(QueueName=name, tags=tags),
    ),
    ("role", f"{PREFIX}-heartbeat", create_role),
    ("log group", f"/aws/lambda/{PREFIX}-heartbeat", create_log_group),
    ("rule", f"{PREFIX}-status", create_rule),
    ("alarm", f"{PREFIX}-heartbeat-errors", create_alarm),
    (
        "topic",
        f"{PREFIX}-alarms",
        lambda name, tags: emulated("sns").create_topic(Name=name, Tags=pairs(tags)),
    ),
    ("key alias", f"alias/{PREFIX}-alarms", create_alias),
]
STAYING: list[tuple[str, str, Create]] = [
    ("table", f"{PREFIX}-sessions", create_table),
    ("bucket", BUCKET, create_bucket),
]
TOKENS = {finder.kind: token for token, finder in FINDERS.items()}
each_resource = pytest.mark.parametrize(
    ("kind", "name", "create"),
    [*RESOURCES, *STAYING],
    ids=[kind for kind, _, _ in [*RESOURCES, *STAYING]],
)
each_that_stays = pytest.mark.parametrize(
    ("kind", "name", "create"), STAYING, ids=[kind for kind, _, _ in STAYING]
)
DECLARED_BUCKET = declared(TOKENS["bucket"], "transcripts-bucket", bucket=BUCKET)
ROLE = f"{PREFIX}-heartbeat"


def account_declaring(*kinds: str, clients: Mapping[str, Any] | None = None) -> Context:
    """Staging's resources of these kinds, and a bucket of transcripts if that is one of them."""
    others = [DECLARED_BUCKET] if "bucket" in kinds else []
    return account(clients, *others, tokens=[TOKENS[kind] for kind in kinds])


@pytest.fixture(scope="module")
def everything() -> Any:
    return recorded("staging", stack_config("staging", EVERYTHING))


def test_in_a_fresh_account_every_name_is_free() -> None:
    found = results(names, account())
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert all(each.seen.endswith(" free") and "own" not in each.seen for each in found.values())
    assert found["names of functions"].seen == f"{len(FUNCTIONS) - len(OPTIONAL)} free"
    assert "names of dashboards" not in found, "staging has none"


@each_resource
def test_a_resource_of_this_stack_is_its_own(kind: str, name: str, create: Create) -> None:
    create(name, {**OWN, "Environment": "staging"})
    if kind != "role":
        create_role(ROLE, OWN)
    found = results(names, account_declaring(kind, "role"))
    assert {each.result for each in found.values()} == {Result.RIGHT}
    own = {each.subject for each in found.values() if "1 this stack's own" in each.seen}
    assert own == {"names of roles", f"names of {kind}{'es' if kind.endswith('s') else 's'}"}


@each_that_stays
def test_what_a_destroyed_stack_left_is_wrong(kind: str, name: str, create: Create) -> None:
    create(name, OWN)
    [(subject, seen)] = wrong(names, account_declaring("role", kind)).items()
    assert subject == f"{kind} {name}"
    assert seen.startswith("was left by this stack when it was destroyed")


def test_neither_of_two_resources_that_were_left_is_taken_for_the_stack() -> None:
    for _, name, create in STAYING:
        create(name, OWN)
    found = wrong(names, account_declaring("role", "table", "bucket"))
    assert set(found) == {f"{kind} {name}" for kind, name, _ in STAYING}


@each_that_stays
def test_where_nothing_else_could_be_looked_up_nothing_is_said_to_be_left(
    kind: str, name: str, create: Create
) -> None:
    create(name, OWN)
    aws = Changed("iam", get_role=denied("GetRole", "iam:GetRole"))
    context = account_declaring("role", kind, clients={"iam": aws})
    assert wrong(names, context) == {}


def refused(code: str) -> Callable[..., Any]:
    def refuse(**asked: Any) -> Any:
        raise ClientError({"Error": {"Code": code}}, "HeadBucket")

    return refuse


@pytest.mark.parametrize("code", ["403", "301"], ids=["refused", "in another Region"])
def test_another_accounts_bucket_of_the_same_name_is_wrong(code: str) -> None:
    s3 = Changed("s3", head_bucket=refused(code))
    context = account_declaring("bucket", clients={"s3": s3})
    [(subject, seen)] = wrong(names, context).items()
    assert subject == f"bucket {BUCKET}"
    assert "another account's" in seen


def test_a_bucket_name_that_nobody_has_is_free() -> None:
    create_bucket(f"{BUCKET}-1", {})
    found = results(names, account_declaring("bucket"))
    assert found["names of buckets"].seen == "1 free"


@each_resource
@pytest.mark.parametrize(
    ("tags", "whose"),
    [(FOREIGN, "it is tagged Project=live-sessions, Stack=production"), ({}, "it has no tags")],
    ids=["of another stack", "of no stack"],
)
def test_a_foreign_resource_of_the_same_name_is_wrong(
    kind: str, name: str, create: Create, tags: Tags, whose: str
) -> None:
    create(name, tags)
    [(subject, seen)] = wrong(names, account_declaring(kind)).items()
    assert subject == f"{kind} {name}"
    assert seen.startswith(f"exists already and is not this stack's: {whose}")


PAGES_BUCKET, POOL_DOMAIN = f"{PREFIX}-pages", f"{PREFIX}-123456789012"
CONTROL, POLICY = f"{PREFIX}-pages", f"{PREFIX}-pages"


def named_for_pages(**clients: Any) -> Any:
    resources = (
        declared(TOKENS["bucket"], "pages-bucket", bucket=PAGES_BUCKET),
        declared(TOKENS["user pool domain"], "identity-domain", domain=POOL_DOMAIN),
    )
    free = {"cognito-idp": Service(describe_user_pool_domain={"DomainDescription": {}})}
    return account({**free, **clients}, *resources, tokens=[])


def test_the_names_of_the_pages_are_free_or_this_stacks_own() -> None:
    assert {each.seen for each in results(names, named_for_pages()).values()} == {"1 free"}
    emulated("s3").create_bucket(
        Bucket=PAGES_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    emulated("s3").put_bucket_tagging(Bucket=PAGES_BUCKET, Tagging={"TagSet": pairs(OWN)})
    pool = Service(
        describe_user_pool_domain={"DomainDescription": {"UserPoolId": "p"}},
        describe_user_pool={"UserPool": {"UserPoolTags": OWN}},
    )
    found = results(names, named_for_pages(**{"cognito-idp": pool}))
    assert {each.seen for each in found.values()} == {"1 this stack's own"}


def test_a_bucket_or_a_domain_of_somebody_else_is_wrong() -> None:
    others: dict[str, Any] = {
        "s3": Service(list_buckets={"Buckets": []}, head_bucket=refused("403")),
        "cognito-idp": Service(
            describe_user_pool_domain={"DomainDescription": {"UserPoolId": "p"}},
            describe_user_pool=refused("ResourceNotFoundException"),
        ),
    }
    assert wrong(names, named_for_pages(**others)).keys() == {
        f"bucket {PAGES_BUCKET}",
        f"user pool domain {POOL_DOMAIN}",
    }


def test_names_in_cloudfront_without_anything_else_of_the_stack_are_wrong() -> None:
    policy = {"ResponseHeadersPolicy": {"ResponseHeadersPolicyConfig": {"Name": POLICY}}}
    pages = {"": {"Items": [], "NextMarker": "next"}, "next": {"Items": [policy]}}
    cloudfront = Service(
        list_origin_access_controls={"OriginAccessControlList": {"Items": [{"Name": CONTROL}]}},
        list_response_headers_policies=lambda Type, Marker="": {
            "ResponseHeadersPolicyList": pages[Marker]
        },
    )
    resources = (
        declared(TOKENS["origin access control"], "pages-access", name=CONTROL),
        declared(TOKENS["response headers policy"], "pages-headers", name=POLICY),
    )
    found = account({"cloudfront": cloudfront}, *resources, tokens=[])
    assert wrong(names, found).keys() == {
        f"origin access control {CONTROL}",
        f"response headers policy {POLICY}",
    }
    nothing = Service(
        list_origin_access_controls={"OriginAccessControlList": {}},
        list_response_headers_policies=lambda **_: {"ResponseHeadersPolicyList": {}},
    )
    assert wrong(names, account({"cloudfront": nothing}, *resources, tokens=[])) == {}


def test_a_dashboard_without_anything_else_of_the_stack_would_be_overwritten() -> None:
    dashboard = declared(TOKENS["dashboard"], "monitoring-dashboard", dashboardName=PREFIX)
    context = account(None, dashboard, tokens=[TOKENS["role"]])
    emulated("cloudwatch").put_dashboard(
        DashboardName=PREFIX, DashboardBody=json.dumps({"widgets": []})
    )
    assert set(wrong(names, context)) == {f"dashboard {PREFIX}"}
    create_role(f"{PREFIX}-heartbeat", OWN)
    assert wrong(names, context) == {}


def test_a_denied_look_up_is_unknown_and_the_other_names_are_still_found() -> None:
    aws = Changed("sqs", get_queue_url=denied("GetQueueUrl", "sqs:GetQueueUrl"))
    found = results(names, account({"sqs": aws}, tokens=[TOKENS["queue"], TOKENS["topic"]]))
    assert [each.subject for each in found.values() if each.result is Result.UNKNOWN] == [
        "names of queues"
    ]
    assert found["names of queues"].seen == "GetQueueUrl failed with AccessDenied"
    assert found["names of queues"].way_out.startswith("allow sqs:GetQueueUrl to the caller")
    assert found["names of topics"].result is Result.RIGHT


def test_every_type_that_the_program_names_is_looked_up_or_may_be_taken(everything: Any) -> None:
    # What belongs to a bucket has its name as an input, too.
    name_inputs = {"name", "layerName", "dashboardName", "domain"}
    named = {"aws:s3/bucket:Bucket"} | {
        each.typ
        for each in everything.registered
        if each.custom and name_inputs & each.inputs.keys()
    }
    assert named - {"pulumi:providers:aws"} == {*FINDERS, *MAY_BE_TAKEN}
    assert not FINDERS.keys() & MAY_BE_TAKEN.keys()


def test_a_finder_knows_the_name_of_each_resource(everything: Any) -> None:
    for token, finder in FINDERS.items():
        inputs = [each.inputs for each in everything.registered if each.typ == token]
        unnamed = 1 if token == "aws:iam/role:Role" else 0
        assert len(finder.names_in(inputs)) == len(inputs) - unnamed, token
