"""Every log group exists before anything writes to it, with the retention of stack config."""

from program.engine import Engine
from tests.contracts.permission_table import PREFIX
from tests.contracts.program_runs import ProgramRun


def test_every_log_group_has_retention(engine: Engine):
    groups = engine.inputs("cloudwatch/logGroup")
    assert {each["retentionInDays"] for each in groups} == {7}
    names = {each["name"] for each in groups}
    functions = {f"/aws/lambda/{each['name']}" for each in engine.inputs("lambda/function")}
    assert names == {*functions, f"/aws/apigateway/{PREFIX}"}


def test_every_log_group_has_the_retention_of_stack_config(stack: ProgramRun):
    groups = stack.engine.inputs("cloudwatch/logGroup")
    days = int(stack.config["logRetentionDays"])
    assert {each.get("retentionInDays") for each in groups} == {days}


def test_every_function_and_the_stage_have_a_declared_log_group(stack: ProgramRun):
    names = {each["name"] for each in stack.engine.inputs("cloudwatch/logGroup")}
    functions = {f"/aws/lambda/{each['name']}" for each in stack.engine.inputs("lambda/function")}
    access = {f"/aws/apigateway/live-sessions-{stack.name}"} if stack.is_on("accessLogs") else set()
    assert names == functions | access
    stage = stack.engine.only("apigatewayv2/stage")
    destination = stage["accessLogSettings"]["destinationArn"]
    assert destination.rpartition("log-group:")[2] in access


def test_no_function_can_write_before_its_log_group_exists(stack: ProgramRun):
    # Lambda would create the group itself, without retention.
    for name, function in stack.engine.of_type("lambda/function").items():
        assert name.replace("-function", "-logs") in function.depends_on
    for each in stack.engine.inputs("iam/rolePolicy"):
        assert "logs:CreateLogGroup" not in each["policy"]
