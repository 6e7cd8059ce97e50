from typing import Any

import pytest

from local.alarms.alarm import Alarm, Missing, State


def described(**changed: Any) -> Alarm:
    return Alarm.described(
        {
            "AlarmName": "slow",
            "StateValue": "OK",
            "Namespace": "LiveSessions/test",
            "MetricName": "TookMilliseconds",
            "Dimensions": [{"Name": "service", "Value": "connection"}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 500.0,
            "TreatMissingData": "notBreaching",
            **changed,
        }
    )


def test_the_range_ends_with_the_last_whole_minute_and_has_two_periods_more() -> None:
    windows = described().windows(now=1_000_019.9)
    assert windows == [(999_780, 999_840), (999_840, 999_900), (999_900, 999_960)]


def test_long_periods_also_end_with_the_last_whole_minute() -> None:
    windows = described(Period=300).windows(now=1_000_020)
    assert windows[-1] == (999_720, 1_000_020)
    assert windows[0][1] == windows[1][0]


def test_without_a_number_of_datapoints_all_periods_have_to_breach() -> None:
    alarm = described(EvaluationPeriods=2)
    assert alarm.next_state([None, None, 0, 501]) is State.OK
    assert alarm.next_state([None, None, 501, 501]) is State.ALARM
    assert described(EvaluationPeriods=2, DatapointsToAlarm=1).next_state([0, 501]) is State.ALARM


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", {501}),
        ("GreaterThanOrEqualToThreshold", {500, 501}),
        ("LessThanThreshold", {499}),
        ("LessThanOrEqualToThreshold", {499, 500}),
    ],
)
def test_values_are_compared_with_the_threshold(comparison: str, breaching: set[int]) -> None:
    alarm = described(ComparisonOperator=comparison)
    values = (499, 500, 501)
    assert {each for each in values if alarm.next_state([each]) is State.ALARM} == breaching


def test_a_percentile_goes_before_the_statistic_that_the_emulator_always_names() -> None:
    assert described(ExtendedStatistic="p95").statistic == "p95"


def test_ignored_periods_leave_the_state_as_it_is() -> None:
    ignoring = described(StateValue="ALARM", TreatMissingData="ignore")
    assert ignoring.next_state([None, None, None]) is State.ALARM


def test_dynamodbs_missing_data_are_ignored_whatever_the_alarm_says() -> None:
    alarm = described(Namespace="AWS/DynamoDB", TreatMissingData="breaching")
    assert alarm.missing is Missing.IGNORE
