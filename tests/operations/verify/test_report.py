"""The table, the JSON report and the exit status."""

import io
import json

import pytest

from operations.verify.report import exit_status, write_json, write_table
from operations.verify.verdicts import (
    Row,
    Verdict,
    differences,
    not_checked,
    not_tried,
    right,
    wrong,
)

RIGHT = right("rule tick", "ENABLED")
WRONG = wrong("route sing", "[red]is[/red] missing", "pulumi up --refresh")
NOT_TRIED = not_tried("captions", "Transcribe charges for it", "--captions")
NOT_CHECKED = not_checked("alarms", "DescribeAlarms failed with AccessDenied", "allow it")


def rows(*verdicts: Verdict) -> list[Row]:
    return [Row("check", verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([RIGHT, RIGHT], 0),
        ([RIGHT, NOT_TRIED], 0),
        ([RIGHT, WRONG, NOT_TRIED], 1),
        ([WRONG, NOT_CHECKED], 1),
        ([RIGHT, NOT_CHECKED], 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst_row(verdicts: list[Verdict], status: int) -> None:
    assert exit_status(rows(*verdicts)) == status


def test_the_table_has_each_row_with_its_fix_unchanged() -> None:
    stream = io.StringIO()
    write_table(rows(RIGHT, WRONG, NOT_TRIED), stream)
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue(), "no colours outside a terminal"
    assert lines[2].split("  ")[1:2] == ["WRONG"]
    assert all(text in lines[2] for text in ("route sing", "[red]is[/red] missing", "pulumi up"))
    assert lines[-1] == "1 ok, 1 WRONG, 1 not tried"


def test_json_has_the_same_rows() -> None:
    stream = io.StringIO()
    write_json("staging", rows(RIGHT, WRONG), stream)
    document = json.loads(stream.getvalue())
    assert (document["stack"], document["exitStatus"]) == ("staging", 1)
    assert document["rows"][1] == {
        "check": "check",
        "subject": "route sing",
        "result": "WRONG",
        "seen": "[red]is[/red] missing",
        "wayOut": "pulumi up --refresh",
    }


def test_differences_name_only_what_differs() -> None:
    live = {"Arn": "a", "State": "DISABLED", "More": 1}
    assert differences({"Arn": "a", "State": "ENABLED"}, live) == (
        "State is 'DISABLED', declared is 'ENABLED'"
    )
    assert differences({"Missing": 5}, live) == "Missing is None, declared is 5"
    assert differences({"Arn": "a"}, live) == ""


def test_members_that_aws_adds_to_a_structure_are_ignored() -> None:
    live = {"InputTransformer": {"InputTemplate": "t", "InputPathsMap": {}}}
    assert differences({"InputTransformer": {"InputTemplate": "t"}}, live) == ""
    assert differences({"InputTransformer": {"InputTemplate": "other"}}, live)
