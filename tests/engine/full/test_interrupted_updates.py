"""Updates that were interrupted or killed are finished as docs/operations.md says.

What it says of `pulumi import` is not shown here: the AWS plugin that the tests may have to use
(tests/engine/tools.py) need not be able to read a resource by its id alone.
"""

import contextlib
import gc
import logging
import signal
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi_aws as aws
import pytest
from botocore.exceptions import ClientError
from pulumi.automation import CommandError, OpType

from local.emulator.process import Emulator
from tests.engine.conftest import StartStack
from tests.engine.stack import EngineStack
from tests.engine.steps import Step
from tests.patience import wait_until

pytestmark = pytest.mark.filterwarnings(
    "ignore:Error in event stream",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(autouse=True)
def sdk_without_engine() -> Iterator[None]:
    """Pulumi's SDK, here in the tests' own process, reports at length that its engine has gone."""
    logger = logging.getLogger("grpc._server")
    logger.disabled = True
    yield
    logger.disabled = False
    gc.collect()


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    return start_stack()


def is_creation(step: Step, type: str) -> bool:
    return step.op == OpType.CREATE and step.type == type


def test_the_next_update_finishes_one_that_was_interrupted(stack: EngineStack) -> None:
    def interrupt(step: Step) -> None:
        if is_creation(step, "aws:lambda/function:Function"):
            stack.send_signal(signal.SIGINT)

    with pytest.raises(CommandError):
        stack.up(watch=interrupt)
    assert stack.steps.errors == ["update canceled\n"]
    # What had begun was finished and is in the state.
    assert pending_creates(stack) == []
    finished = {step.name for step in stack.steps.of(OpType.CREATE) if step.ended}
    assert finished

    steps = stack.up()
    assert steps.names(OpType.SAME) == finished
    assert {step.op for step in steps.changes} == {OpType.CREATE}
    assert stack.preview().changes == []
    stack.destroy()


def test_an_update_that_was_killed_is_finished_after_cancel_and_refresh(
    stack: EngineStack, emulator: Emulator
) -> None:
    sqs = emulator.client("sqs")

    def kill(step: Step) -> None:
        # The queue exists long before the provider, which waits for it to spread, reports it.
        if is_creation(step, "aws:sqs/queue:Queue"):
            wait_until(lambda: "QueueUrls" in sqs.list_queues())
            stack.kill()

    with pytest.raises(CommandError):
        stack.up(watch=kill)
    with pytest.raises(CommandError, match="the stack is currently locked by 1 lock"):
        stack.up()
    stack.cancel()
    pending = pending_creates(stack)
    assert pending

    stack.refresh(clear_pending_creates=True)
    assert pending_creates(stack) == []
    for resource in pending:
        delete_if_there(emulator, resource)
    stack.up()
    assert stack.preview().changes == []


def test_what_exists_but_is_not_in_the_state_is_deleted_by_hand_and_created_again(
    start_stack: StartStack, emulator: Emulator
) -> None:
    def program() -> None:
        aws.cloudwatch.LogGroup("notes", name="notes")

    stack = start_stack(name="notes", program=program)
    (created,) = stack.up().changes
    # The state now knows as much as after a kill and `--clear-pending-creates`.
    stack.pulumi("state", "delete", created.urn, "--yes")
    with pytest.raises(CommandError, match="ResourceAlreadyExistsException"):
        stack.up()
    emulator.client("logs").delete_log_group(logGroupName="notes")
    (created_again,) = stack.up().changes
    assert (created_again.op, created_again.urn) == (OpType.CREATE, created.urn)


def pending_creates(stack: EngineStack) -> list[dict[str, Any]]:
    """The resources of which the state knows only that their creation began."""
    pending = stack.exported().get("pending_operations") or []
    return [each["resource"] for each in pending if each["type"] == "creating"]


def delete_if_there(emulator: Emulator, resource: Mapping[str, Any]) -> None:
    """Delete what the killed update may have created, if its name must be free for the next one."""
    name = resource["inputs"].get("name", "")
    calls = {
        "aws:cloudwatch/logGroup:LogGroup": ("logs", "delete_log_group", "logGroupName"),
        "aws:dynamodb/table:Table": ("dynamodb", "delete_table", "TableName"),
        "aws:iam/role:Role": ("iam", "delete_role", "RoleName"),
        "aws:lambda/function:Function": ("lambda", "delete_function", "FunctionName"),
    }
    if resource["type"] in calls:
        service, call, parameter = calls[resource["type"]]
        with contextlib.suppress(ClientError):
            getattr(emulator.client(service), call)(**{parameter: name})
