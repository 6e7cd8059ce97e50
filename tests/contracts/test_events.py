"""What invokes functions besides clients: queues and rules."""

from program.engine import Engine
from tests.contracts.permission_table import FUNCTION, QUEUE


def test_every_consumed_queue_has_its_function(engine: Engine):
    mapped = {
        each["eventSourceArn"].removeprefix(f"{QUEUE}-"): (
            each["functionName"].removeprefix(f"{FUNCTION}-"),
            each["batchSize"],
        )
        for each in engine.inputs("lambda/eventSourceMapping")
    }
    assert mapped == {
        "session-checks": ("disconnect", 1),
        "status-shards": ("session-status", 1),
        "status-ticks-30s": ("session-status", 1),
    }


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
