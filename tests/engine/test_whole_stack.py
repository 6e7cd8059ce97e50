"""The whole program on a small stack: it comes up, stays as it is, and goes without a trace."""

from typing import Any

import pulumi
import pytest
from pulumi.automation import OpType

from local.emulator.process import Emulator
from tests.engine.conftest import StartStack
from tests.engine.inventory import inventory
from tests.engine.programs import whole_program
from tests.engine.stack import EngineStack
from tests.engine.steps import Steps

DOMAIN_NAME = "live.example.com"
ON: dict[str, Any] = {
    "accessLogs": True,
    "manageApiGatewayAccount": True,
    "alarms": True,
    "alarmEmail": "ops@example.com",
    "dashboard": True,
    "domainName": DOMAIN_NAME,
}
OFF: dict[str, Any] = {key: "" if isinstance(value, str) else False for key, value in ON.items()}
# The account's logging role, which other APIs may use.
KEPT_ROLE = "api-access-role-"


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack()
    steps = started.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE}
    return started


def test_a_second_preview_is_empty(stack: EngineStack) -> None:
    steps = stack.preview()
    assert steps.names(OpType.SAME) >= {"connection-function", "status-ticks-schedule-rule"}
    assert steps.changes == [], str(steps)


def test_a_preview_after_a_refresh_is_empty(stack: EngineStack) -> None:
    steps = stack.preview(refresh=True)
    assert steps.names(OpType.REFRESH) == steps.names(OpType.SAME)
    assert steps.changes == [], str(steps)


def test_a_teams_transform_changes_the_resources_that_it_is_for(stack: EngineStack) -> None:
    def tag_queues(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:sqs/queue:Queue":
            return None
        props: dict[str, Any] = {**args.props}
        props["tags"] = {**(props.get("tags") or {}), "costCentre": "42"}
        return pulumi.ResourceTransformResult(props, args.opts)

    stack.use(whole_program(transforms=(tag_queues,)))
    steps = stack.preview()
    stack.use(whole_program())
    queues = steps.of(type="sqs/queue")
    assert {step.inputs["tags"]["costCentre"] for step in queues} == {"42"}
    assert steps.changes == steps.of(OpType.UPDATE, type="sqs/queue")
    assert len(steps.changes) == len(queues)


def test_access_logs_alarms_dashboard_and_domain_are_switched_on_and_off(
    stack: EngineStack, emulator: Emulator
) -> None:
    before = inventory(emulator)
    stack.configure(**ON, hostedZoneId=hosted_zone(emulator))
    on = stack.up()
    assert set_in_place(on) == {"api-stage-stage"}
    assert stage(emulator)["AccessLogSettings"]["DestinationArn"]
    new_kinds = inventory(emulator).keys() - before.keys()
    assert new_kinds == {
        *("alarms", "certificates", "dashboards", "domain names", "key aliases", "topics")
    }
    assert stack.outputs["websocketUrl"] == f"wss://{DOMAIN_NAME}"
    assert (again := stack.preview()).changes == [], str(again)

    stack.configure(**OFF, hostedZoneId="")
    off = stack.up()
    assert set_in_place(off) == {"api-stage-stage"}
    assert off.names(OpType.DELETE) == on.names(OpType.CREATE)
    assert "AccessLogSettings" not in stage(emulator)
    assert without_kept_role(emulator) == before
    assert (again := stack.preview()).changes == [], str(again)


def test_destroy_leaves_nothing(stack: EngineStack, emulator: Emulator) -> None:
    before = inventory(emulator)
    assert before.keys() >= {"APIs", "functions", "queues", "roles", "rules", "tables"}
    steps = stack.destroy()
    assert {step.op for step in steps.changes} == {OpType.DELETE}
    assert without_kept_role(emulator) == {}


def set_in_place(steps: Steps) -> set[str]:
    """The resources that were updated, where nothing was replaced."""
    assert {step.op for step in steps.changes} <= {OpType.CREATE, OpType.UPDATE, OpType.DELETE}
    return steps.names(OpType.UPDATE)


def without_kept_role(emulator: Emulator) -> dict[str, set[str]]:
    found = inventory(emulator)
    roles = {name for name in found.pop("roles", ()) if not name.startswith(KEPT_ROLE)}
    return {**found, **({"roles": roles} if roles else {})}


def stage(emulator: Emulator) -> dict[str, Any]:
    client = emulator.client("apigatewayv2")
    (api,) = client.get_apis()["Items"]
    (found,) = client.get_stages(ApiId=api["ApiId"])["Items"]
    return found


def hosted_zone(emulator: Emulator) -> str:
    client = emulator.client("route53")
    zone = client.create_hosted_zone(Name="example.com", CallerReference="tests")["HostedZone"]
    return zone["Id"].rpartition("/")[2]
