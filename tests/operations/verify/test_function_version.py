"""A function's alias, its versions and $LATEST, as Lambda returns them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from operations.verify.checks.function_version import version_verdicts
from operations.verify.verdicts import Result, Verdict
from tests.operations.verify.contexts import Service, context_of

LAYER = "arn:aws:lambda:eu-central-1:998877665544:layer:shared:3"
PUBLISHED = {
    "CodeSha256": "abc",
    "Handler": "status.handler",
    "MemorySize": 256,
    "Timeout": 10,
    "Environment": {"Variables": {"INTERVAL": "30"}},
    "Layers": [{"Arn": LAYER, "CodeSize": 5}],
}


def verdicts(
    *,
    on: str = "10",
    latest: dict[str, Any] | None = None,
    chosen: Mapping[str, str] | None = None,
    **alias: Any,
) -> list[Verdict]:
    """What is wrong with a function whose versions are 9 and 10."""

    def get_alias(*, FunctionName: str, Name: str) -> dict[str, Any]:
        return {"Name": Name, "FunctionVersion": on, **alias}

    def configuration(*, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:
        return {
            "$LATEST": {**PUBLISHED, **(latest or {})},
            "9": {**PUBLISHED, "CodeSha256": "older", "Timeout": 3},
            "10": PUBLISHED,
        }[Qualifier]

    aws = Service(
        get_alias=get_alias,
        get_function_configuration=configuration,
        list_versions_by_function={
            "Versions": [{"Version": each} for each in ("$LATEST", "9", "10")]
        },
    )
    context = replace(context_of(client=lambda service: aws), chosen_versions=chosen or {})
    found = list(version_verdicts(context, "function status", "status"))
    assert all(each.result is Result.WRONG and each.way_out for each in found)
    return found


def seen(**changes: Any) -> list[str]:
    return [each.seen for each in verdicts(**changes)]


def test_an_alias_on_the_newest_version_which_is_latest_is_right() -> None:
    assert seen() == []
    assert seen(latest={"Layers": [{"Arn": LAYER, "CodeSize": 6}]}) == []


def test_an_alias_that_was_moved_is_reported_and_latest_is_compared_with_the_newest_version() -> (
    None
):
    """Version 10 is newer than 9, which as text is not so."""
    moved = "its alias live is on version 9, expected is 10"
    assert seen(on="9") == [moved]
    assert seen(on="9", latest={"Timeout": 3}) == [
        moved,
        "$LATEST has other timeout than the newest version, 10",
    ]


def test_an_alias_on_the_version_that_a_rollback_chose_is_right_and_on_the_newest_is_not() -> None:
    chosen = {"status": "9"}
    assert seen(on="9", chosen=chosen) == []
    assert seen(on="10", chosen=chosen) == ["its alias live is on version 10, expected is 9"]
    assert seen(on="10", chosen={"another": "9"}) == []


def test_an_alias_on_latest_is_reported() -> None:
    assert seen(on="$LATEST") == ["its alias live is on version $LATEST, expected is 10"]


def test_an_alias_that_is_on_two_versions_is_reported() -> None:
    shared = {"AdditionalVersionWeights": {"9": 0.1}}
    assert seen(RoutingConfig=shared) == ["its alias live also sends to version 9"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"CodeSha256": "xyz"}, "code"),
        ({"Environment": {"Variables": {"INTERVAL": "5"}}}, "variables"),
        ({"Layers": []}, "layers"),
        ({"MemorySize": 128, "Timeout": 3}, "memory, timeout"),
    ],
)
def test_what_was_changed_by_hand_is_named(change: dict[str, Any], words: str) -> None:
    assert seen(latest=change) == [f"$LATEST has other {words} than the newest version, 10"]


@pytest.mark.parametrize(
    ("change", "uploads", "refreshes"),
    [
        ({"CodeSha256": "xyz"}, True, False),
        ({"Timeout": 3}, False, True),
        ({"CodeSha256": "xyz", "Timeout": 3}, True, True),
    ],
)
def test_changed_code_is_undone_by_an_upload_and_all_else_by_a_refresh(
    change: dict[str, Any], uploads: bool, refreshes: bool
) -> None:
    [verdict] = verdicts(latest=change)
    assert ("--qualifier 10" in verdict.way_out) is uploads
    assert ("update-function-code" in verdict.way_out) is uploads
    assert ("pulumi up --refresh --stack staging" in verdict.way_out) is refreshes
