"""Each role, trust and resource policy is exactly what the table says.

The local cloud does not enforce every statement: one that is removed or widened fails here.
"""

import json
import re
from typing import Any

import pytest

from components.settings.stack_settings import MAXIMUM_SLOTS
from program.computed import ACCOUNT, REGION
from program.engine import Engine
from tests.contracts.permission_table import (
    BUCKET,
    CONDITIONS,
    PREFIX,
    QUEUE,
    READER,
    READER_STATEMENTS,
    STAGE,
    STATEMENTS,
)
from tests.contracts.program_runs import LEAN, run

FUNCTION_ARNS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"


@pytest.mark.parametrize("function", STATEMENTS)
def test_each_function_may_do_exactly_what_the_table_says(engine: Engine, function: str):
    found = engine.statements(f"{PREFIX}-{function}")
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{PREFIX}-{function}"
    expected = {
        "WriteOwnLogs": ("logs:CreateLogStream logs:PutLogEvents", f"{log_group}:*"),
        "SendTraces": ("xray:PutTraceSegments xray:PutTelemetryRecords", "*"),
        **STATEMENTS[function],
    }
    assert {
        sid: (" ".join(each["Action"]), " ".join(each["Resource"])) for sid, each in found.items()
    } == expected
    assert {each["Effect"] for each in found.values()} == {"Allow"}


def test_every_policy_fits_its_limit_with_the_most_slots_and_the_longest_names():
    overrides = {
        **LEAN,
        "region": REGION,
        "audioSlots": MAXIMUM_SLOTS,
        "translationFunctionArn": f"{FUNCTION_ARNS}:{'f' * 64}:{'a' * 128}",
        "statusIntervalSeconds": 12,
    }
    policies = run("staging", overrides, name="s" * 32).engine.inputs("iam/rolePolicy")
    assert policies
    for policy in policies:
        text = re.sub(r"\s", "", policy["policy"])
        # The longest there are: https://docs.aws.amazon.com/general/latest/gr/rande.html
        text = text.replace("arn:aws:", "arn:aws-us-gov:").replace(REGION, "ap-southeast-1")
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        assert len(text) <= 10_240, policy["role"]


def test_conditions_are_exactly_those_of_the_table(engine: Engine):
    assert {
        (function, sid): each["Condition"]
        for function in STATEMENTS
        for sid, each in engine.statements(f"{PREFIX}-{function}").items()
        if "Condition" in each
    } == CONDITIONS


def test_who_reads_transcripts_may_do_exactly_what_the_table_says(engine: Engine):
    found = engine.statements(f"{PREFIX}-transcript-reader")
    assert {
        sid: (" ".join(each["Action"]), " ".join(each["Resource"])) for sid, each in found.items()
    } == READER_STATEMENTS


def test_the_connection_function_alone_may_take_on_the_role_that_reads_transcripts(engine: Engine):
    (reader,) = [each for each in engine.inputs("iam/role") if is_reader(each)]
    assert json.loads(reader["assumeRolePolicy"])["Statement"] == [
        {
            "Sid": "AssumeRole",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": ["sts:AssumeRole"],
            "Condition": {
                "ArnEquals": {
                    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-connection"
                }
            },
        }
    ]


def test_the_bucket_of_transcripts_refuses_plain_http(engine: Engine):
    (policy,) = [each for each in engine.inputs("s3/bucketPolicy") if each["bucket"] in BUCKET]
    (denied,) = json.loads(policy["policy"])["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Resource"] == [BUCKET, f"{BUCKET}/*"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def is_reader(role: dict[str, Any]) -> bool:
    return READER.endswith(f"/{role.get('name')}")


def test_each_other_role_trusts_one_service_and_lambda_for_this_account_alone(engine: Engine):
    for role in engine.inputs("iam/role"):
        if is_reader(role):
            continue
        (trusted,) = json.loads(role["assumeRolePolicy"])["Statement"]
        if "name" not in role:
            assert trusted["Principal"] == {"Service": "apigateway.amazonaws.com"}
        else:
            assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert trusted["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}


def test_every_invocation_by_a_service_is_permitted_for_one_source_alone(engine: Engine):
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}"
    api = STAGE.removesuffix("/staging")
    permitted: dict[str | None, list[tuple[str, str, str]]] = {None: [], "live": []}
    for each in engine.inputs("lambda/permission"):
        permit = (each["function"].removeprefix(f"{PREFIX}-"), each["principal"], each["sourceArn"])
        permitted[each.get("qualifier")].append(permit)
    # The release before invokes without the alias (ADR 0014).
    assert sorted(permitted[None]) == sorted(permitted["live"])
    gateway, events = "apigateway.amazonaws.com", "events.amazonaws.com"
    assert sorted(permitted["live"]) == [
        ("audio-ingest", gateway, f"{STAGE}/*"),
        ("authorizer", gateway, f"{api}/authorizers/api-routes-authorizer-id"),
        ("connection", gateway, f"{STAGE}/*"),
        ("disconnect", gateway, f"{STAGE}/*"),
        ("heartbeat", gateway, f"{STAGE}/*"),
        ("reconcile", events, f"{rules}-reconcile"),
        ("refresh", gateway, f"{STAGE}/*"),
        ("removed-action", gateway, f"{STAGE}/*"),
        ("session-status", gateway, f"{STAGE}/*"),
        ("session-status", events, f"{rules}-status"),
    ]


def test_only_one_rule_or_roles_of_the_account_send_to_a_queue(engine: Engine):
    senders: dict[str, str] = {}
    for policy in engine.inputs("sqs/queuePolicy"):
        queue = policy["queueUrl"].rpartition("/")[2].removeprefix(f"{PREFIX}-")
        denied, *allowed = json.loads(policy["policy"])["Statement"]
        assert denied["Effect"] == "Deny", queue
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, queue
        for statement in allowed:
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}, queue
            assert statement["Resource"] == [f"{QUEUE}-{queue}"]
            senders[queue] = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}"
    assert senders == {
        "status-failures": f"{rules}-status",
        "status-ticks-30s": f"{rules}-status",
        "reconcile-failures": f"{rules}-reconcile",
    }
    assert len(engine.inputs("sqs/queuePolicy")) == len(engine.inputs("sqs/queue"))
