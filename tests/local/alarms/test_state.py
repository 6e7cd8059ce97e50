"""AWS's own tables, row by row, and what its text adds.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import pytest

from local.alarms.alarm import Missing, State, next_state

OK, ALARM, NO_DATA, STAYS = State.OK, State.ALARM, State.INSUFFICIENT_DATA, None
PERIODS = {"0": False, "X": True, "-": None}
# In the order of the tables' columns.
TREATMENTS = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)

THREE_OF_THREE = {
    "0-X-X": (OK, OK, OK, OK),
    "0----": (OK, OK, OK, OK),
    "-----": (NO_DATA, STAYS, ALARM, OK),
    "0XX-X": (ALARM, ALARM, ALARM, ALARM),
    "--X--": (ALARM, STAYS, ALARM, OK),
}
TWO_OF_THREE = {
    "0-X-X": (ALARM, ALARM, ALARM, ALARM),
    "00X0X": (ALARM, ALARM, ALARM, ALARM),
    "0-X--": (OK, OK, ALARM, OK),
    "----0": (OK, OK, ALARM, OK),
    "---X-": (ALARM, STAYS, ALARM, OK),
}


def state(periods: str, missing: Missing, *, evaluation: int, to_alarm: int) -> State | None:
    return next_state(
        [PERIODS[each] for each in periods],
        evaluation_periods=evaluation,
        datapoints_to_alarm=to_alarm,
        missing=missing,
    )


@pytest.mark.parametrize("periods", THREE_OF_THREE)
def test_three_of_three_are_evaluated_as_in_the_first_table(periods: str) -> None:
    found = tuple(state(periods, each, evaluation=3, to_alarm=3) for each in TREATMENTS)
    assert found == THREE_OF_THREE[periods]


@pytest.mark.parametrize("periods", TWO_OF_THREE)
def test_two_of_three_are_evaluated_as_in_the_second_table(periods: str) -> None:
    found = tuple(state(periods, each, evaluation=3, to_alarm=2) for each in TREATMENTS)
    assert found == TWO_OF_THREE[periods]


@pytest.mark.parametrize("periods", ["----X", "---X-"])
def test_a_recent_breach_that_good_data_may_still_follow_is_not_an_alarm(periods: str) -> None:
    assert state(periods, Missing.MISSING, evaluation=3, to_alarm=3) is OK


def test_older_periods_are_not_looked_at_where_the_last_ones_are_there() -> None:
    assert state("XX000", Missing.BREACHING, evaluation=3, to_alarm=1) is OK


def test_a_missing_period_does_not_count_while_an_older_one_has_data() -> None:
    assert state("--0", Missing.BREACHING, evaluation=1, to_alarm=1) is OK
    assert state("0--", Missing.BREACHING, evaluation=1, to_alarm=1) is OK
    assert state("---", Missing.BREACHING, evaluation=1, to_alarm=1) is ALARM
