"""What invokes functions besides clients: queues and rules."""

from program.engine import Engine
from tests.contracts.permission_table import FUNCTION, PREFIX, QUEUE


def test_every_consumed_queue_has_its_function(engine: Engine):
    mapped = {
        each["eventSourceArn"].removeprefix(f"{QUEUE}-"): (
            each["functionName"].removeprefix(f"{FUNCTION}-"),
            each["batchSize"],
        )
        for each in engine.inputs("lambda/eventSourceMapping")
    }
    assert mapped == {
        "reconcile-shards": ("reconcile:live", 1),
        "session-checks": ("disconnect:live", 1),
        "status-shards": ("session-status:live", 1),
        "status-ticks-30s": ("session-status:live", 1),
        "transcripts": ("transcripts:live", 1),
    }


def test_what_a_rule_invokes_is_permitted_before_it_is_a_target(engine: Engine):
    permissions = engine.of_type("lambda/permission")
    invoked: set[str] = set()
    for target in engine.of_type("cloudwatch/eventTarget").values():
        function = target.inputs["arn"].removeprefix(f"{FUNCTION}-")
        if function == target.inputs["arn"]:
            continue
        permits = [permissions[name].inputs for name in target.depends_on & permissions.keys()]
        assert {(each["function"], each.get("qualifier")) for each in permits} >= {
            (f"{PREFIX}-{function.removesuffix(':live')}", "live")
        }
        invoked.add(function)
    assert invoked == {"reconcile:live", "session-status:live"}


def test_every_delivery_by_a_rule_is_retried_twice_and_then_kept(engine: Engine):
    deliveries = {
        each["targetId"]: (
            each["retryPolicy"]["maximumRetryAttempts"],
            each["deadLetterConfig"]["arn"].removeprefix(f"{QUEUE}-"),
        )
        for each in engine.inputs("cloudwatch/eventTarget")
    }
    assert deliveries == {
        "tick-0s": (2, "status-failures"),
        "tick-30s": (2, "status-failures"),
        "reconcile": (2, "reconcile-failures"),
    }
