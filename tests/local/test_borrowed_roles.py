"""IAM on the local cloud, seen by functions that borrow the roles of ours."""

import json
import secrets
from collections.abc import Iterator

import pulumi
import pytest
from pulumi.runtime import MockResourceArgs

from local.cloud import LocalCloud
from local.deployer import Deployer, Ledger
from local.emulator.process import Denial
from program.stack_config import host_runtime
from tests.local.permissions import without_statement


@pytest.fixture
def unguarded(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The shared cloud for tests that are to be denied something."""
    yield shared_cloud
    shared_cloud.participants.close()


def run_as(cloud: LocalCloud, entry: str, statement: str) -> str:
    """Run a statement, with `boto3` at hand, in a function that has the entry's role."""
    name = f"borrower-{secrets.token_hex(4)}"
    code = f"import boto3\n\ndef handler(event, context):\n    {statement}\n    return 'done'\n"
    Deployer(cloud.account, Ledger()).new_resource(
        MockResourceArgs(
            typ="aws:lambda/function:Function",
            name=name,
            inputs={
                "name": name,
                "role": role_arn(cloud, entry),
                "runtime": host_runtime(),
                "handler": "code.handler",
                "code": pulumi.AssetArchive({"code.py": pulumi.StringAsset(code)}),
                "timeout": 10.0,
            },
            custom=True,
        )
    )
    return cloud.client("lambda").invoke(FunctionName=name)["Payload"].read().decode()


def role_arn(cloud: LocalCloud, entry: str) -> str:
    role = cloud.outputs["functionNames"][entry]
    return f"arn:aws:iam::{cloud.account.account_id}:role/{role}"


def denials_since(cloud: LocalCloud, count: int) -> list[tuple[str, str]]:
    return [(denial.role, denial.action) for denial in cloud.denials()[count:]]


def test_a_function_acts_with_its_own_role_and_no_more(unguarded: LocalCloud) -> None:
    table = unguarded.outputs["sessionsTable"]
    before = len(unguarded.denials())
    answer = run_as(unguarded, "authorizer", f"boto3.client('dynamodb').scan(TableName={table!r})")
    assert "AccessDenied" in answer
    role = unguarded.outputs["functionNames"]["authorizer"]
    assert denials_since(unguarded, before) == [(role, "dynamodb:Scan")]


def test_a_batch_to_a_queue_needs_the_permission_of_a_single_message(
    unguarded: LocalCloud,
) -> None:
    """And the queue's refusal of plain http does not hit the loopback address."""
    queue = unguarded.outputs["queueUrls"]["fanOutFailures"]
    entries = [{"Id": "0", "MessageBody": "probe"}]
    statement = f"boto3.client('sqs').send_message_batch(QueueUrl={queue!r}, Entries={entries!r})"
    policy = unguarded.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["Policy"]
    )["Attributes"]["Policy"]
    assert "aws:SecureTransport" in policy
    assert run_as(unguarded, "fan_out", statement) == '"done"'
    before = len(unguarded.denials())
    with without_statement(unguarded, "fan_out", "SendFailures"):
        assert "AccessDenied" in run_as(unguarded, "fan_out", statement)
    role = unguarded.outputs["functionNames"]["fan_out"]
    assert denials_since(unguarded, before) == [(role, "sqs:SendMessage")]
    unguarded.client("sqs").purge_queue(QueueUrl=queue)


def test_a_function_whose_role_lost_a_statement_is_denied(unguarded: LocalCloud) -> None:
    listener = unguarded.listener()
    before = len(unguarded.denials())
    with without_statement(unguarded, "heartbeat", "ReadConnections"):
        assert listener.ask("heartbeat")["code"] == "INTERNAL_ERROR"
    role = unguarded.outputs["functionNames"]["heartbeat"]
    assert denials_since(unguarded, before) == [(role, "dynamodb:GetItem")]
    assert listener.ask("heartbeat").type == "heartbeatAck"


def test_a_denied_call_of_connections_is_recorded_too(unguarded: LocalCloud) -> None:
    endpoint = unguarded.outputs["managementEndpoint"]
    before = len(unguarded.denials())
    answer = run_as(
        unguarded,
        "heartbeat",
        f"boto3.client('apigatewaymanagementapi', endpoint_url={endpoint!r})"
        ".delete_connection(ConnectionId='any')",
    )
    assert "not authorized" in answer
    role = unguarded.outputs["functionNames"]["heartbeat"]
    assert denials_since(unguarded, before) == [(role, "execute-api:ManageConnections")]


def test_taking_out_a_statement_that_is_not_there_is_an_error(unguarded: LocalCloud) -> None:
    with (
        pytest.raises(KeyError, match="FlyToTheMoon"),
        without_statement(unguarded, "heartbeat", "FlyToTheMoon"),
    ):
        pass


def test_a_statement_is_back_after_it_was_taken_out(unguarded: LocalCloud) -> None:
    iam = unguarded.client("iam")
    role = unguarded.outputs["functionNames"]["heartbeat"]

    def policy() -> str:
        found = iam.get_role_policy(RoleName=role, PolicyName="permissions")
        return json.dumps(found["PolicyDocument"], sort_keys=True)

    before = policy()
    with without_statement(unguarded, "heartbeat", "WriteOwnLogs"):
        assert "logs:PutLogEvents" not in policy()
    assert policy() == before


def test_a_denial_names_the_role_of_an_assumed_role() -> None:
    principal = "arn:aws:sts::000000000000:assumed-role/some-role/some-session"
    assert Denial(principal, "sqs:SendMessage", "*").role == "some-role"
    assert Denial("-", "", "*").role == "-"
