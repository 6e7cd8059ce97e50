"""Two stacks live in one account and Region: names that must be unique there differ."""

from collections import Counter

import pytest

from program.computed import COMPUTED
from program.engine import Registered
from program.stack_config import committed_stacks
from tests.contracts.program_runs import EVERYTHING, ProgramRun, run, run_named

# Each type's own name, unique in the account and Region (a role's: in the account).
NAMED_BY = {
    "aws:apigatewayv2/api:Api": "name",
    "aws:cloudfront/originAccessControl:OriginAccessControl": "name",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "name",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:cloudwatch/eventRule:EventRule": "name",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:cognito/userPool:UserPool": "name",
    "aws:cognito/userPoolDomain:UserPoolDomain": "domain",
    "aws:dynamodb/table:Table": "name",
    "aws:iam/role:Role": "name",
    "aws:kms/alias:Alias": "name",
    "aws:lambda/function:Function": "name",
    "aws:lambda/layerVersion:LayerVersion": "layerName",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:sns/topic:Topic": "name",
    "aws:sqs/queue:Queue": "name",
}
# Staging has none of these.
OPTIONAL = {
    "aws:cloudfront/originAccessControl:OriginAccessControl",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cognito/userPoolDomain:UserPoolDomain",
    "aws:s3/bucket:Bucket",
}
# Named by stack config, which differs between stacks.
NAMED_BY_CONFIG = {"aws:apigatewayv2/domainName:DomainName", "aws:acm/certificate:Certificate"}
# Unique only within what they belong to, which is one of the above.
WITHIN_PARENT = {
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:apigatewayv2/apiMapping:ApiMapping",
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:apigatewayv2/deployment:Deployment",
    "aws:apigatewayv2/integration:Integration",
    "aws:apigatewayv2/route:Route",
    "aws:apigatewayv2/routeResponse:RouteResponse",
    "aws:apigatewayv2/stage:Stage",
    # Named by CloudFront.
    "aws:cloudfront/distribution:Distribution",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/key:Key",
    "aws:lambda/alias:Alias",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:lambda/permission:Permission",
    "aws:route53/record:Record",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queuePolicy:QueuePolicy",
    "pulumi:providers:aws",
}
# One for the account and Region as a whole, so that one stack alone may have it.
ONE_PER_ACCOUNT = {"aws:apigateway/account:Account"}


def name_of(resource: Registered) -> str | None:
    """Its physical name, or None where Pulumi generates a unique one."""
    return resource.inputs.get(NAMED_BY[resource.typ])


def names(stack: ProgramRun) -> set[tuple[str, str]]:
    named = [each for each in stack.engine.registered if each.typ in NAMED_BY]
    return {(each.typ, name) for each in named if (name := name_of(each)) is not None}


def test_every_type_is_classified_by_the_scope_of_its_name():
    kinds = [*NAMED_BY, *NAMED_BY_CONFIG, *WITHIN_PARENT, *ONE_PER_ACCOUNT]
    assert Counter(kinds) == Counter(COMPUTED.keys())


def test_only_the_accounts_logging_role_has_a_generated_name(stack: ProgramRun):
    named = [each for each in stack.engine.registered if each.typ in NAMED_BY]
    nameless = [each.name for each in named if name_of(each) is None]
    assert nameless == (["api-access-role"] if stack.is_on("manageApiGatewayAccount") else [])


def test_no_two_resources_of_a_stack_have_the_same_name(stack: ProgramRun):
    named = [each for each in stack.engine.registered if each.typ in NAMED_BY]
    counted = Counter((each.typ, name_of(each)) for each in named)
    assert [name for name, count in counted.items() if count > 1] == []


def named(stack: str) -> ProgramRun:
    """One of STACKS, or `copy`: another stack with everything in it."""
    return run("staging", EVERYTHING, name=stack) if stack == "copy" else run_named(stack)


PAIRS = [("staging", "production"), ("everything", "copy")]


@pytest.mark.parametrize("two_names", PAIRS, ids="-and-".join)
def test_two_stacks_share_no_physical_name(two_names: tuple[str, str]):
    one, two = (names(named(each)) for each in two_names)
    assert {typ for typ, _ in one} >= set(NAMED_BY) - OPTIONAL
    assert one & two == set()


@pytest.mark.parametrize("two_names", PAIRS, ids="-and-".join)
def test_two_stacks_have_two_metric_namespaces(two_names: tuple[str, str]):
    one, two = (namespaces(named(each)) for each in two_names)
    assert len(one) == len(two) == 1
    assert one != two


def namespaces(stack: ProgramRun) -> set[str]:
    return {
        each["environment"]["variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for each in stack.engine.inputs("lambda/function")
    }


def test_no_alarm_is_about_another_stacks_functions_queues_or_metrics(stack: ProgramRun):
    engine, prefix = stack.engine, f"live-sessions-{stack.name}"
    functions = {each["name"] for each in engine.inputs("lambda/function")}
    queues = {each["name"] for each in engine.inputs("sqs/queue")}
    for each in engine.inputs("cloudwatch/metricAlarm"):
        assert each["name"].startswith(f"{prefix}-")
        match each["namespace"]:
            case "AWS/Lambda":
                assert each["dimensions"].keys() == {"FunctionName"}
                assert each["dimensions"]["FunctionName"] in functions, each["name"]
            case "AWS/SQS":
                assert each["dimensions"].keys() == {"QueueName"}
                assert each["dimensions"]["QueueName"] in queues, each["name"]
            case "AWS/ApiGateway":
                stage = stack.config["stageName"]
                assert each["dimensions"] == {"ApiId": "api-api-id", "Stage": stage}
            case namespace:
                assert {namespace} == namespaces(stack), each["name"]


def test_names_of_two_stacks_never_clash_whatever_the_stacks_are_called():
    """`live-sessions-a` + `-b-x` is `live-sessions-a-b` + `-x`: no two endings may fit so."""
    endings: dict[tuple[str, str], set[str]] = {}
    for typ, name in names(named("copy")):
        start, own, ending = name.partition("live-sessions-copy")
        assert own, f"{name} does not have the stack in it"
        endings.setdefault((typ, start), set()).add(ending)
    assert {typ for typ, _ in endings} == NAMED_BY.keys()
    for kind, of_kind in endings.items():
        clashes = [(a, b) for a in of_kind for b in of_kind if a != b and a.endswith(b)]
        assert clashes == [], kind


def test_at_most_one_committed_stack_of_a_region_sets_the_accounts_logging_role():
    managing = Counter(
        stack.config["region"]
        for name in committed_stacks()
        if (stack := run_named(name)).engine.inputs("apigateway/account")
    )
    assert managing
    assert set(managing.values()) == {1}
    # The local cloud has no such role.
    logging = {
        stack.config["region"]
        for name in committed_stacks()
        if (stack := run_named(name)).is_on("accessLogs")
        and stack.config["layerPlatform"] == "lambda"
    }
    assert logging <= managing.keys(), "stages that log need the role that one stack sets"
