"""local/alarms/ on what the emulator holds; the moment of each evaluation is the test's."""

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from local.alarms import Change, State, evaluate_alarms
from local.emulator.process import Emulator

MINUTE_SECONDS = 60

Watch = Callable[..., "Watched"]


class Watched:
    """An alarm of its own metric; minutes are counted from a turn of a whole hour on."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name = name
        self._client = emulator.client("cloudwatch")
        self._start = int(time.time() // 3600) * 3600

    def put(self, minute: float, *values: float, service: str = "ours") -> None:
        self._client.put_metric_data(
            Namespace="Test/evaluation",
            MetricData=[
                {
                    "MetricName": self.name,
                    "Dimensions": [{"Name": "service", "Value": service}],
                    "Timestamp": self._start + minute * MINUTE_SECONDS,
                    "Values": list(values),
                }
            ],
        )

    def evaluate(self, minute: float) -> Change | None:
        """What an evaluation at this minute changes about the alarm."""
        changes = evaluate_alarms(self._client, self._start + minute * MINUTE_SECONDS)
        found = [change for change in changes if change.name == self.name]
        return found[0] if found else None

    def states(self, minutes: Sequence[float]) -> list[State]:
        """The alarm's state after each of the evaluations."""
        states: list[State] = []
        for minute in minutes:
            self.evaluate(minute)
            states.append(State(self.described["StateValue"]))
        return states

    @property
    def described(self) -> dict[str, Any]:
        return self._client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]


@pytest.fixture
def watch(emulator: Emulator, request: pytest.FixtureRequest) -> Watch:
    def create(**changed: Any) -> Watched:
        name = f"evaluated-{uuid4().hex[:8]}"
        client = emulator.client("cloudwatch")
        statistic = {} if "ExtendedStatistic" in changed else {"Statistic": "Sum"}
        client.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "Test/evaluation",
                "MetricName": name,
                "Dimensions": [{"Name": "service", "Value": "ours"}],
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 10,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
                **statistic,
                **changed,
            }
        )
        request.addfinalizer(lambda: client.delete_alarms(AlarmNames=[name]))
        return Watched(emulator, name)

    return create


def test_an_alarm_fires_when_its_period_is_over_with_its_reason(watch: Watch) -> None:
    watched = watch()
    assert watched.evaluate(10) == Change(
        watched.name, State.INSUFFICIENT_DATA, State.OK, (None, None, None)
    )
    watched.put(10.5, 4, 6)
    assert watched.evaluate(10.9) is None, "the minute is not over"
    change = watched.evaluate(11)
    assert change == Change(watched.name, State.OK, State.ALARM, (None, None, 10.0))
    assert watched.described["StateReason"].endswith("in the last 3 periods: none, none, 10")
    assert watched.evaluate(11) is None, "the alarm is there already"
    watched.put(11.1, 1)
    assert watched.evaluate(12) == Change(watched.name, State.ALARM, State.OK, (None, 10.0, 1.0))


def test_what_others_emit_by_the_same_name_does_not_count(watch: Watch) -> None:
    watched = watch()
    watched.put(10.5, 9, service="ours")
    watched.put(10.5, 99, service="another's")
    change = watched.evaluate(11)
    assert change
    assert change.after is State.OK
    assert change.values == (None, None, 9.0)


def test_two_of_three_periods_fire_wherever_they_are_and_one_does_not(watch: Watch) -> None:
    watched = watch(EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, value in ((10, 10), (11, 0), (12, 0), (13, 10), (14, 0), (15, 10), (16, 0)):
        watched.put(minute, value)
    states = watched.states([13, 14, 15, 16, 17, 18])
    assert states == [State.OK, State.OK, State.OK, State.ALARM, State.OK, State.OK]


def test_what_stops_coming_fires_where_missing_data_is_bad(watch: Watch) -> None:
    options = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 2}
    ticks = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}
    watched = watch(**options, **ticks)
    for minute in range(10, 14):
        watched.put(minute, 1, 1)
    states = watched.states([13, 14, 15, 16, 17, 18])
    assert states == [State.OK] * 5 + [State.ALARM]
    watched.put(18, 1)
    watched.put(19, 1, 1)
    watched.put(20, 1, 1)
    assert watched.states([19, 20, 21]) == [State.ALARM, State.ALARM, State.OK]


@pytest.mark.parametrize(("threshold", "state"), [(95, State.ALARM), (96, State.OK)])
def test_a_percentile_is_taken_over_all_values_of_the_period(
    watch: Watch, threshold: int, state: State
) -> None:
    watched = watch(ExtendedStatistic="p95", Period=300, Threshold=threshold)
    # From 6 to 11 is none of the five minutes that divide the hour.
    watched.put(6, *range(1, 51))
    watched.put(10.9, *range(51, 101))
    watched.put(11, *[1000] * 100)
    change = watched.evaluate(11)
    assert change
    assert change.after is state
    assert change.values == (None, None, pytest.approx(95.05))


@pytest.mark.parametrize(
    ("statistic", "value"), [("Sum", 9.0), ("Average", 3.0), ("Maximum", 6.0), ("Minimum", 1.0)]
)
def test_long_periods_contain_all_their_minutes(watch: Watch, statistic: str, value: float) -> None:
    watched = watch(Statistic=statistic, Period=300)
    for minute, each in ((5.9, 100), (6, 1), (9, 2), (10.9, 6), (11, 100)):
        watched.put(minute, each)
    change = watched.evaluate(11)
    assert change
    assert change.values[-1] == value
    assert change.values[-2] == 100.0
