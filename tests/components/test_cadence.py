import pytest

from components.cadence import Cadence, cadence_of, problem_with_interval, rate
from components.settings import Settings


@pytest.mark.parametrize(
    ("interval_seconds", "expected"),
    [
        (12, Cadence("rate(1 minute)", (0, 12, 24, 36, 48))),
        (15, Cadence("rate(1 minute)", (0, 15, 30, 45))),
        (20, Cadence("rate(1 minute)", (0, 20, 40))),
        (30, Cadence("rate(1 minute)", (0, 30))),
        (60, Cadence("rate(1 minute)", (0,))),
        (120, Cadence("rate(2 minutes)", (0,))),
        (3600, Cadence("rate(60 minutes)", (0,))),
    ],
)
def test_an_interval_becomes_a_schedule_and_offsets(interval_seconds: int, expected: Cadence):
    assert cadence_of(interval_seconds) == expected


@pytest.mark.parametrize("interval_seconds", [-30, 0, 1, 10, 11, 13, 25, 40, 59, 61, 90, 150])
def test_an_interval_that_whole_minutes_cannot_keep_is_rejected(interval_seconds: int):
    with pytest.raises(ValueError, match=rf"{interval_seconds} seconds must divide 60"):
        cadence_of(interval_seconds)


def test_every_interval_config_allows_fits_the_five_targets_of_a_rule():
    allowed = Settings.model_json_schema()["properties"]["statusIntervalSeconds"]
    intervals = range(allowed["minimum"], allowed["maximum"] + 1)
    kept = [interval for interval in intervals if not problem_with_interval(interval)]
    assert kept[:4] == [12, 15, 20, 30]
    assert kept[-1] == 3600
    assert max(len(cadence_of(interval).offsets_seconds) for interval in kept) == 5


def test_one_minute_is_singular_since_eventbridge_rejects_the_plural():
    assert (rate(1), rate(5)) == ("rate(1 minute)", "rate(5 minutes)")
