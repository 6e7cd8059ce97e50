import pytest

from components.message_queue import MessageQueue, MessageQueueArgs
from components.schedule import Schedule, ScheduleArgs
from program.engine import Engine


def test_a_sixth_target_is_rejected():
    def program() -> None:
        schedule = Schedule("rule", ScheduleArgs(physical_name="rule", expression="rate(1 minute)"))
        queue = MessageQueue("queue", MessageQueueArgs(physical_name="q", retention_seconds=60))
        for number in range(6):
            schedule.add_target(
                f"target-{number}", queue, failures=queue, maximum_event_age_seconds=60
            )

    engine = Engine()
    with pytest.raises(ValueError, match="more than 5 targets"):
        engine.run(program)


def test_a_rule_name_that_eventbridge_would_reject_is_rejected_first():
    with pytest.raises(ValueError, match="at most 64 characters"):
        ScheduleArgs(physical_name="x" * 65, expression="rate(1 minute)")
