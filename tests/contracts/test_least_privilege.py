"""Least privilege: checked over every policy of every stack."""

import re

from program.computed import ACCOUNT
from program.engine import Engine
from tests.contracts.permission_table import STAR_RESOURCES
from tests.contracts.policy_documents import Carried, allowed, statements
from tests.contracts.program_runs import ProgramRun

BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
KEY, ROLE, ROLE_POLICY = "aws:kms/key:Key", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
# The parts of a stage's or a log group's ARN below it, which have no names of their own.
WIDER = {
    "GetConnections": r":[a-z0-9]+/[\w-]+/GET/@connections/\*",
    "PostToConnections": r":[a-z0-9]+/[\w-]+/POST/@connections/\*",
    "DeleteConnections": r":[a-z0-9]+/[\w-]+/DELETE/@connections/\*",
    "GetTranscripts": r"/\*",
    "WriteTranscripts": r"/\*",
    "WriteOwnLogs": r":log-group:/aws/lambda/[\w-]+:\*",
}


def governs_key(each: Carried) -> bool:
    """Whether this is the statement that lets the account manage the key."""
    return each.carrier.typ == KEY and each.statement["Sid"] == "GovernByAccount"


def trusts_one_role(each: Carried) -> bool:
    """Whether this lets one role of the account take on the role that it is about."""
    condition = each.statement.get("Condition", {})
    role = rf"arn:aws:iam::{ACCOUNT}:role/[\w/-]+"
    return (
        each.carrier.typ == ROLE
        and each.statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        and condition.keys() == {"ArnEquals"}
        and bool(re.fullmatch(role, condition["ArnEquals"]["aws:PrincipalArn"]))
    )


def test_policies_of_every_kind_of_resource_are_found(engine: Engine):
    assert {each.carrier.typ for each in statements(engine)} == {
        *(KEY, ROLE, ROLE_POLICY, "aws:sns/topicPolicy:TopicPolicy"),
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
    }


def test_every_statement_lists_actions_and_resources_and_excludes_none(stack: ProgramRun):
    for each in statements(stack.engine):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & each.statement.keys(), each.place
        assert isinstance(each.statement["Action"], list), each.place
        assert each.resources or each.carrier.typ == ROLE, f"{each.place} is about nothing"
        assert each.statement["Sid"], "a statement without a Sid is in no table"


def test_no_statement_allows_a_wildcard_action(stack: ProgramRun):
    starred = [each for each in statements(stack.engine) if any("*" in a for a in each.actions)]
    assert [each.place for each in starred if not governs_key(each)] == []
    for each in starred:
        assert each.actions == ["kms:*"]
        assert each.statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_only_the_listed_statements_are_about_every_resource(engine: Engine):
    starred = {each.statement["Sid"] for each in role_statements(engine) if "*" in each.resources}
    assert starred == STAR_RESOURCES.keys()


def test_no_statement_is_about_more_than_it_names(stack: ProgramRun):
    for each in role_statements(stack.engine):
        if each.statement["Sid"] in STAR_RESOURCES:
            assert each.resources == ["*"], each.place
            continue
        for resource in each.resources:
            part = WIDER.get(each.statement["Sid"], "")
            start = re.sub(f"{part}$", "", resource) if part else resource
            assert "*" not in start, f"{each.place} is about {resource}"
            # A bucket's name has the account; IAM is in no Region.
            named = r"arn:aws:([a-z-]+:[a-z0-9-]+:[0-9]{12}(:.+)?|iam::[0-9]{12}:role/.+|s3:::.+)"
            assert re.fullmatch(named, start), each.place


def test_a_resources_own_policy_is_about_that_resource_alone(stack: ProgramRun):
    for each in statements(stack.engine):
        if each.carrier.typ in (ROLE, ROLE_POLICY):
            continue
        # A key's policy has no other name for the key.
        expected = ["*"] if each.carrier.typ == KEY else [carrier_arn(each)]
        if each.carrier.typ == BUCKET_POLICY:
            # A service reads objects and lists nothing.
            bucket = expected if each.statement["Effect"] == "Deny" else []
            expected = [*bucket, f"{expected[0]}/*"]
        assert each.resources == expected, each.place


def carrier_arn(each: Carried) -> str:
    inputs = each.carrier.inputs
    if each.carrier.typ == BUCKET_POLICY:
        return f"arn:aws:s3:::{inputs['bucket']}"
    if "arn" in inputs:
        return inputs["arn"]
    region, account, name = re.findall(r"sqs\.(.+)\.amazonaws\.com/(\d+)/(.+)", inputs["queueUrl"])[
        0
    ]
    return f"arn:aws:sqs:{region}:{account}:{name}"


def role_statements(engine: Engine) -> list[Carried]:
    return [each for each in statements(engine) if each.carrier.typ == ROLE_POLICY]


def test_a_service_may_use_a_resource_for_this_account_alone(
    stack: ProgramRun,
):
    # A rule, or a distribution, which is in no Region.
    account_or_rule = re.compile(rf"{ACCOUNT}|arn:aws:[a-z]+:[a-z0-9-]*:{ACCOUNT}:[\w/-]+")
    for each in allowed(stack.engine):
        if each.carrier.typ == ROLE_POLICY or governs_key(each) or trusts_one_role(each):
            continue
        assert each.statement["Principal"].keys() == {"Service"}, each.place
        if each.statement["Principal"]["Service"] == "apigateway.amazonaws.com":
            # Its role belongs to the whole account and Region.
            assert each.carrier.name == "api-access-role"
            continue
        values = [
            value
            for test in each.statement["Condition"].values()
            for key, value in test.items()
            if key in ("aws:SourceArn", "aws:SourceAccount")
        ]
        assert values, f"{each.place} allows other accounts"
        assert all(account_or_rule.fullmatch(value) for value in values), each.place


def test_a_service_may_invoke_a_function_for_one_source_alone(stack: ProgramRun):
    permissions = stack.engine.inputs("lambda/permission")
    assert permissions
    for each in permissions:
        assert each["action"] == "lambda:InvokeFunction"
        assert each["principal"] in ("apigateway.amazonaws.com", "events.amazonaws.com")
        assert f":{ACCOUNT}:" in each["sourceArn"]
        stage = f"/{stack.config['stageName']}/*"
        assert "*" not in each["sourceArn"].removesuffix(stage), each["function"]
        assert each.get("functionUrlAuthType") is None


def test_no_role_has_permissions_from_other_policies(stack: ProgramRun):
    attached = [
        (each["role"], each["policyArn"])
        for each in stack.engine.inputs("iam/rolePolicyAttachment")
    ]
    logging = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    manages = stack.is_on("manageApiGatewayAccount")
    assert attached == ([("api-access-role", logging)] if manages else [])
    for role in stack.engine.inputs("iam/role"):
        assert not {"inlinePolicies", "managedPolicyArns"} & role.keys()


def test_each_function_has_its_own_role(stack: ProgramRun):
    roles = [each["role"] for each in stack.engine.inputs("lambda/function")]
    assert len(set(roles)) == len(roles)
    reader = f"live-sessions-{stack.name}-transcript-reader"
    policies = [each["role"] for each in stack.engine.inputs("iam/rolePolicy")]
    policies = [role for role in policies if role != reader]
    assert sorted(policies) == sorted(role.rpartition("/")[2] for role in roles)
