"""`make release`: what is recorded, and what is deleted."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.releases.recording import Released, release, unneeded
from operations.releases.records import Record, kept_records, record_name, records_of, write
from operations.releases.stack import NoAliasError, ReleaseError
from tests.operations.preflight.accounts import emulated
from tests.operations.releases.lambdas import (
    ONE,
    THREE,
    TWO,
    Function,
    Lambdas,
    deployed,
    named,
    stack_of,
)

A, B, C = "a" * 40, "b" * 40, "c" * 40
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
VERSIONS = st.integers(1, 12)


def released(lambdas: Lambdas, commit: str = A, *, kept: int = 5, now: datetime = NOON) -> Released:
    return release(stack_of(lambdas), commit, kept_versions=kept, now=now)


def recorded(lambdas: Lambdas) -> list[str]:
    return [each.commit for each in records_of(stack_of(lambdas))]


def test_a_release_names_what_each_alias_is_on() -> None:
    lambdas = deployed(connection=3, fan_out=12)
    assert released(lambdas).is_new
    [record] = records_of(stack_of(lambdas))
    assert record == Record(commit=A, date=NOON, versions={named(ONE): "3", named(TWO): "12"})
    assert record_name(stack_of(lambdas), record) == (
        "/live-sessions-staging/releases/20261129T120000Z-aaaaaaa"
    )


def test_the_same_release_twice_is_one_record() -> None:
    lambdas = deployed(connection=3)
    first = released(lambdas).record
    again = released(lambdas, now=NOON + timedelta(hours=1))
    assert (again.is_new, again.record) == (False, first)
    assert recorded(lambdas) == [A]


def test_a_commit_that_changes_no_function_takes_the_place_of_the_one_before() -> None:
    """Otherwise some of them would leave nothing else to go back to."""
    lambdas = deployed(connection=3)
    released(lambdas, A)
    later = released(lambdas, B, now=NOON + timedelta(hours=1))
    assert later.is_new
    assert [each.commit for each in later.deleted_records] == [A]
    assert recorded(lambdas) == [B]


def test_a_release_is_newer_than_all_before_whatever_the_clock_says() -> None:
    lambdas = deployed(connection=3)
    released(lambdas, A)
    lambdas.publish(ONE, 4)
    released(lambdas, B, now=NOON - timedelta(days=1))
    lambdas.publish(ONE, 5)
    released(lambdas, C, now=NOON)
    assert recorded(lambdas) == [C, B, A]


def test_nothing_is_recorded_while_an_older_version_serves() -> None:
    lambdas = deployed(connection=3, fan_out=9)
    lambdas.publish(TWO, 10, moves=False)
    with pytest.raises(ReleaseError) as refused:
        released(lambdas)
    assert "live-sessions-staging-fan-out serves 9, its newest is 10" in str(refused.value)
    assert "`pulumi up --refresh --stack staging`" in str(refused.value)
    assert recorded(lambdas) == []


def test_latest_is_never_recorded() -> None:
    lambdas = deployed(connection=3)
    lambdas.functions[named(TWO)] = Function(aliases={"live": "$LATEST"})
    with pytest.raises(ReleaseError, match=r"fan-out serves \$LATEST, its newest is \$LATEST"):
        released(lambdas)


def test_a_stack_without_aliases_or_functions_is_refused() -> None:
    with pytest.raises(ReleaseError, match="has no function in this account and Region"):
        released(Lambdas())
    lambdas = deployed(connection=3)
    lambdas.functions[named(THREE)] = Function()
    with pytest.raises(NoAliasError, match=r"heartbeat has no alias live: .* release 0\.1\.0"):
        released(lambdas)
    assert recorded(lambdas) == []


def test_versions_and_records_beyond_those_that_are_kept_are_deleted() -> None:
    lambdas = deployed(connection=1, fan_out=1)
    for version, commit in ((2, A), (3, B), (4, C)):
        lambdas.publish(ONE, version)
        last = released(lambdas, commit, kept=2)
    assert recorded(lambdas) == [C, B]
    assert lambdas.versions(ONE) == ["3", "4"]
    assert lambdas.versions(TWO) == ["1"], "each kept release names it"
    assert last.deleted_versions == {named(ONE): ["2"]}
    assert [each.commit for each in last.deleted_records] == [A]


def test_a_version_that_any_alias_names_stays() -> None:
    lambdas = deployed(connection=1)
    for version in (2, 3, 4, 5):
        lambdas.publish(ONE, version)
    lambdas.move(ONE, 1, alias="by-hand")
    lambdas.functions[named(ONE)].weights = {"3": 0.1}
    released(lambdas)
    assert lambdas.versions(ONE) == ["1", "3", "5"]


def test_a_run_that_was_cut_short_is_finished_by_the_next_one() -> None:
    lambdas = deployed(connection=1)
    lambdas.publish(ONE, 2)
    released(lambdas)
    lambdas.functions[named(ONE)].versions = {"1": "Active", "2": "Active"}
    assert released(lambdas).deleted_versions == {named(ONE): ["1"]}


def test_a_function_that_a_later_release_removed_is_left_alone() -> None:
    lambdas = deployed(connection=1, fan_out=1)
    released(lambdas, A)
    del lambdas.functions[named(TWO)]
    lambdas.publish(ONE, 2)
    released(lambdas, B, now=NOON + timedelta(hours=1))
    assert recorded(lambdas) == [B, A]


@given(
    st.sets(VERSIONS),
    st.sets(VERSIONS.map(str), min_size=1),
    st.sets(VERSIONS.map(str) | st.just("$LATEST")),
)
def test_what_an_alias_or_a_record_names_or_what_is_newer_is_never_deleted(
    published: set[int], recorded: set[str], named: set[str]
) -> None:
    deleted = unneeded(published, named, recorded)
    assert not {*deleted} & {*recorded, *named}
    newest = max(map(int, recorded))
    assert all(int(each) < newest for each in deleted)
    kept = {each for each in published if str(each) not in deleted}
    assert all(each >= newest or str(each) in recorded | named for each in kept)


def test_without_a_record_of_a_function_none_of_its_versions_is_deleted() -> None:
    assert unneeded([1, 2, 3], ["3"], []) == []


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(2, 4))
def test_the_records_that_are_kept_are_the_newest_of_the_last_different_releases(
    versions: list[int], count: int
) -> None:
    records = [
        Record(commit=A, date=NOON + timedelta(hours=hour), versions={"f": str(version)})
        for hour, version in enumerate(versions)
    ]
    kept = kept_records(records, count)
    changes = [
        record
        for record, after in pairwise([*records, None])
        if record and (after is None or after.versions != record.versions)
    ]
    assert kept == changes[::-1][:count]


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "[]",
        '{"commit": "abc", "date": "2026-11-29T12:00:00Z", "functions": {}}',
        f'{{"commit": "{A}", "date": "noon", "functions": {{}}}}',
        f'{{"commit": "{A}", "date": "2026-11-29T12:00:00Z", "functions": {{"f": "$LATEST"}}}}',
        f'{{"commit": "{A}", "date": "2026-11-29T12:00:00Z", "functions": {{"f": 1}}}}',
    ],
)
def test_a_parameter_that_is_no_record_is_an_error_that_names_it(value: str) -> None:
    name = "/live-sessions-staging/releases/other"
    emulated("ssm").put_parameter(Name=name, Type="String", Value=value)
    with pytest.raises(ReleaseError, match=f"aws ssm delete-parameter --name {name}"):
        records_of(stack_of(Lambdas()))


def test_another_stacks_records_are_not_read() -> None:
    lambdas = deployed(connection=1)
    released(lambdas)
    emulated("ssm").put_parameter(
        Name="/live-sessions-staging-two/releases/other", Type="String", Value="text"
    )
    assert recorded(lambdas) == [A]


def test_a_record_that_is_too_large_is_refused() -> None:
    lambdas = Lambdas()
    for number in range(100):
        name = f"live-sessions-staging-{number:042}"
        lambdas.functions[name] = Function({"1": "Active"}, {"live": "1"})
    stack = stack_of(lambdas)
    record = Record(commit=A, date=NOON, versions=lambdas.live())
    with pytest.raises(ReleaseError, match="a parameter has at most 4096"):
        write(stack, record)
