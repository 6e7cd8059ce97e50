import json
from typing import Any

import pytest

from local.emulator.embedded_metrics import Datum, embedded_in


def line(**changed: Any) -> str:
    directive = {
        "Namespace": "LiveSessions/test",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Ticks", "Unit": "Count"}],
        **changed,
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": 1_700_000_000_500, "CloudWatchMetrics": [directive]},
            "service": "session_status",
            "shard": 3,
            "Ticks": 1,
            "TookMilliseconds": [20, 30.5],
        }
    )


def test_a_metric_has_its_namespace_dimensions_unit_value_and_time() -> None:
    dimensions = {"service": "session_status"}
    datum = Datum("LiveSessions/test", "Ticks", dimensions, "Count", [1.0], 1_700_000_000.5)
    assert embedded_in(line()) == [datum]


def test_several_values_stay_apart() -> None:
    [datum] = embedded_in(line(Metrics=[{"Name": "TookMilliseconds", "Unit": "Milliseconds"}]))
    assert (datum.values, datum.unit) == ([20.0, 30.5], "Milliseconds")


def test_without_a_unit_there_is_none() -> None:
    assert embedded_in(line(Metrics=[{"Name": "Ticks"}]))[0].unit == "None"


def test_each_set_of_dimensions_makes_a_metric_of_its_own() -> None:
    sets = [datum.dimensions for datum in embedded_in(line(Dimensions=[["service", "shard"], []]))]
    assert sets == [{"service": "session_status", "shard": "3"}, {}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "START RequestId: 1",
        '{"message": "no metrics"}',
        'of "_aws" it speaks',
        '{"_aws": not JSON',
        '{"_aws": 1}',
        line(Metrics=[{"Name": "Missing"}]),
        line(Dimensions=[["missing"]]),
        line(Metrics=[{"Name": "service"}]),
    ],
)
def test_what_is_not_in_the_format_makes_no_metric(text: str) -> None:
    assert embedded_in(text) == []
