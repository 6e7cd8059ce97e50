"""A rollback on functions in memory: which release it takes, and that it moves all or nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations.releases.records import Record, write
from operations.releases.stack import NoAliasError, ReleaseError
from operations.rollback.moving import carry_out, rollback
from operations.rollback.plan import Move, Plan, planned
from tests.operations.releases.lambdas import (
    ENTRIES,
    ONE,
    THREE,
    TWO,
    Function,
    Lambdas,
    deployed,
    failure,
    named,
    stack_of,
)

A, B, C = "a" * 40, "b" * 40, "c" * 40
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def record(lambdas: Lambdas, commit: str, **versions: int) -> None:
    """A record one hour after the one of the commit before."""
    date = NOON + timedelta(hours="abc".index(commit[0]))
    named_versions = {named(entry): str(version) for entry, version in versions.items()}
    write(stack_of(lambdas), Record(commit=commit, date=date, versions=named_versions))


def two_releases() -> Lambdas:
    """B serves; A has another version of two functions."""
    lambdas = deployed(connection=1, fan_out=1, heartbeat=1)
    record(lambdas, A, connection=1, fan_out=1, heartbeat=1)
    lambdas.publish(ONE, 2)
    lambdas.publish(TWO, 2)
    record(lambdas, B, connection=2, fan_out=2, heartbeat=1)
    return lambdas


def live(lambdas: Lambdas) -> list[str]:
    return [lambdas.live()[named(entry)] for entry in ENTRIES]


def refusal(lambdas: Lambdas, to: str | None = None) -> str:
    before = lambdas.live()
    with pytest.raises(ReleaseError) as refused:
        rollback(stack_of(lambdas), to)
    assert lambdas.live() == before
    return str(refused.value)


def test_a_rollback_moves_every_alias_to_the_release_before() -> None:
    lambdas = two_releases()
    plan = rollback(stack_of(lambdas))
    assert live(lambdas) == ["1", "1", "1"]
    assert (plan.target.commit, plan.live and plan.live.commit) == (A, B)
    assert [str(each) for each in plan.moves] == [
        "live-sessions-staging-connection: 2 → 1",
        "live-sessions-staging-fan-out: 2 → 1",
    ]
    assert plan.same == [named(THREE)]
    assert {name for name, _ in lambdas.updates} == {named(ONE), named(TWO)}


def test_a_rollback_of_a_rollback_goes_one_release_further() -> None:
    lambdas = two_releases()
    lambdas.publish(ONE, 3)
    record(lambdas, C, connection=3, fan_out=2, heartbeat=1)
    assert [rollback(stack_of(lambdas)).target.commit for _ in range(2)] == [B, A]
    assert "release aaaaaaa of 2026-11-29T12:00:00Z is live, and no older one" in refusal(lambdas)


@pytest.mark.parametrize("to", [C, "ccc", "2026-11-29T14", "2026-11-29t14:00:00z"])
def test_a_release_is_named_by_its_commit_or_its_date_also_forwards(to: str) -> None:
    lambdas = two_releases()
    lambdas.publish(ONE, 3)
    record(lambdas, C, connection=3, fan_out=2, heartbeat=1)
    rollback(stack_of(lambdas), A)
    assert rollback(stack_of(lambdas), to).target.commit == C
    assert live(lambdas) == ["3", "2", "1"]


def test_a_release_that_was_never_recorded_goes_back_to_the_last_record() -> None:
    lambdas = two_releases()
    lambdas.publish(ONE, 3)
    plan = rollback(stack_of(lambdas))
    assert (plan.live, plan.target.commit) == (None, B)
    assert live(lambdas) == ["2", "2", "1"]


def test_where_no_release_serves_as_a_whole_one_has_to_be_named() -> None:
    lambdas = two_releases()
    lambdas.move(TWO, 1)
    message = refusal(lambdas)
    assert "live-sessions-staging-fan-out serves an older version than the newest" in message
    assert f"2026-11-29T13:00:00Z  {B}\n  2026-11-29T12:00:00Z  {A}" in message
    rollback(stack_of(lambdas), "bbb")
    assert live(lambdas) == ["2", "2", "1"]


def test_an_unknown_or_ambiguous_release_is_refused_with_those_there_are() -> None:
    lambdas = two_releases()
    both = f"\n  2026-11-29T13:00:00Z  {B}\n  2026-11-29T12:00:00Z  {A}"
    unknown = refusal(lambdas, "123")
    assert "TO=123: no release begins so." in unknown
    assert unknown.endswith(both)
    ambiguous = refusal(lambdas, "2026-11-29")
    assert "TO=2026-11-29: several releases begin so." in ambiguous
    assert ambiguous.endswith(both)


def test_without_records_the_message_says_how_to_go_back() -> None:
    message = refusal(deployed(connection=1))
    assert "no release of staging is recorded" in message
    assert "`make release STACK=staging`" in message
    assert "deploy the older commit" in message


def test_a_stack_of_release_0_1_0_has_nothing_to_go_back_to() -> None:
    lambdas = Lambdas()
    lambdas.functions[named(ONE)] = Function()
    with pytest.raises(NoAliasError, match=r"release 0\.1\.0 or earlier"):
        planned(stack_of(lambdas))


def test_a_version_that_is_gone_is_named_before_anything_moves() -> None:
    lambdas = two_releases()
    del lambdas.functions[named(ONE)].versions["1"]
    message = refusal(lambdas)
    assert "version 1 of live-sessions-staging-connection does not exist" in message
    assert f"deploy commit {A}" in message
    assert lambdas.updates == []


def test_a_function_that_is_gone_is_named_before_anything_moves() -> None:
    lambdas = two_releases()
    del lambdas.functions[named(THREE)]
    assert "live-sessions-staging-heartbeat does not exist" in refusal(lambdas, A)
    assert lambdas.updates == []


def test_a_version_that_failed_is_refused_and_one_without_snapshot_is_named() -> None:
    lambdas = two_releases()
    lambdas.functions[named(ONE)].versions["1"] = "Inactive"
    lambdas.functions[named(THREE)].versions["1"] = "Inactive"
    assert planned(stack_of(lambdas)).cold == [named(ONE)], "the other one does not move"
    lambdas.functions[named(ONE)].versions["1"] = "Failed"
    assert "version 1 of live-sessions-staging-connection is Failed" in refusal(lambdas)


def test_a_function_that_the_release_did_not_have_stays() -> None:
    lambdas = deployed(connection=1)
    record(lambdas, A, connection=1)
    lambdas.publish(ONE, 2)
    lambdas.publish(THREE, 7)
    record(lambdas, B, connection=2, heartbeat=7)
    plan = rollback(stack_of(lambdas))
    assert plan.newer == {named(THREE): "7"}
    assert lambdas.live() == {named(ONE): "1", named(THREE): "7"}


def test_a_function_that_this_checkout_does_not_know_moves_too() -> None:
    lambdas = two_releases()
    other = "live-sessions-staging-other"
    lambdas.functions[other] = Function({"4": "Active", "5": "Active"}, {"live": "5"})
    versions = {named(ONE): "2", named(TWO): "2", named(THREE): "1", other: "4"}
    later = Record(commit=C, date=NOON + timedelta(hours=2), versions=versions)
    write(stack_of(lambdas), later)
    rollback(stack_of(lambdas), C)
    assert lambdas.live() == versions


def test_shares_of_other_versions_end_and_come_back_if_the_rollback_fails() -> None:
    lambdas = two_releases()
    shares = {"2": 0.5}
    lambdas.functions[named(THREE)].versions["2"] = "Active"
    lambdas.functions[named(THREE)].weights = shares

    def fail(function: str, version: str) -> None:
        if (function, version) == (named(ONE), "1"):
            raise failure("ServiceException")

    lambdas.before_update = fail
    refusal(lambdas)
    assert lambdas.functions[named(THREE)].weights == shares
    lambdas.before_update = lambda function, version: None
    plan = rollback(stack_of(lambdas))
    assert "live-sessions-staging-heartbeat: 1 and 2 → 1" in map(str, plan.moves)
    assert lambdas.functions[named(THREE)].weights == {}


def test_a_rollback_to_what_serves_moves_nothing() -> None:
    lambdas = two_releases()
    assert rollback(stack_of(lambdas), B).moves == []
    assert lambdas.updates == []


def test_an_alias_that_was_changed_after_the_plan_stops_the_rollback() -> None:
    lambdas = two_releases()
    plan = planned(stack_of(lambdas))
    lambdas.publish(TWO, 3)
    with pytest.raises(ReleaseError) as refused:
        carry_out(stack_of(lambdas), plan)
    assert (
        "nothing is rolled back: live-sessions-staging-fan-out: somebody else moved its alias"
        in (str(refused.value))
    )
    assert "no deployment is running" in str(refused.value)
    assert live(lambdas) == ["2", "3", "1"]


def test_a_call_whose_answer_was_lost_has_moved_the_alias() -> None:
    """boto3 repeats such a call, which then finds another revision."""
    lambdas = two_releases()

    def lose(function: str, version: str) -> None:
        if function == named(ONE):
            raise failure("PreconditionFailedException")

    lambdas.after_update = lose
    rollback(stack_of(lambdas))
    assert live(lambdas) == ["1", "1", "1"]


@pytest.mark.parametrize("entry", [ONE, TWO])
def test_if_one_alias_cannot_be_moved_the_others_move_back(entry: str) -> None:
    lambdas = two_releases()

    def fail(function: str, version: str) -> None:
        if function == named(entry):
            raise failure("TooManyRequestsException")

    lambdas.before_update = fail
    message = refusal(lambdas)
    assert message.startswith(f"nothing is rolled back: {named(entry)}: ")
    assert "TooManyRequestsException" in message


def test_an_alias_that_cannot_be_moved_back_is_named_with_where_it_is() -> None:
    lambdas = two_releases()

    def fail(function: str, version: str) -> None:
        if (function, version) in {(named(ONE), "1"), (named(TWO), "2")}:
            raise failure("ServiceException")

    lambdas.before_update = fail
    with pytest.raises(ReleaseError) as refused:
        rollback(stack_of(lambdas))
    message = str(refused.value)
    assert message.startswith("the rollback is incomplete: live-sessions-staging-connection: ")
    assert "live-sessions-staging-fan-out is on 1 instead of 2" in message
    assert live(lambdas) == ["2", "1", "1"]


def test_an_alias_that_may_have_moved_and_cannot_be_read_is_named() -> None:
    lambdas = two_releases()

    def lose(function: str, version: str) -> None:
        if function == named(ONE):
            raise failure("RequestTimeout")

    def refuse(*, FunctionName: str, Name: str) -> dict[str, Any]:
        if FunctionName == named(ONE) and lambdas.updates:
            raise failure("ServiceException", "GetAlias")
        return Lambdas.get_alias(lambdas, FunctionName=FunctionName, Name=Name)

    lambdas.after_update, lambdas.get_alias = lose, refuse
    with pytest.raises(ReleaseError) as refused:
        rollback(stack_of(lambdas))
    assert str(refused.value).startswith("the rollback is incomplete: ")
    assert f"{named(ONE)} is on an unknown version instead of 2" in str(refused.value)
    assert live(lambdas) == ["1", "2", "1"]


def test_an_alias_that_somebody_moves_before_it_moves_back_is_named_with_where_it_is() -> None:
    lambdas = two_releases()
    lambdas.publish(TWO, 3, moves=False)

    def fail(function: str, version: str) -> None:
        if (function, version) == (named(ONE), "1"):
            raise failure("ServiceException")
        if (function, version) == (named(TWO), "2"):
            lambdas.move(TWO, 3)

    lambdas.before_update = fail
    with pytest.raises(ReleaseError, match="fan-out is on 3 instead of 2"):
        rollback(stack_of(lambdas))


def test_an_alias_that_somebody_moves_at_the_same_time_is_noticed_afterwards() -> None:
    lambdas = two_releases()

    def interfere(function: str, version: str) -> None:
        if function == named(TWO):
            lambdas.move(THREE, 2)

    lambdas.functions[named(THREE)].versions["2"] = "Active"
    lambdas.after_update = interfere
    with pytest.raises(ReleaseError, match="heartbeat is on 2 instead of 1"):
        rollback(stack_of(lambdas))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    forwards=st.sets(st.sampled_from(ENTRIES)),
    backwards=st.sets(st.sampled_from(ENTRIES)),
    loses=st.sets(st.sampled_from(ENTRIES)),
)
def test_whatever_fails_a_rollback_has_happened_or_not_or_says_where_each_alias_is(
    emulated_account: None, forwards: set[str], backwards: set[str], loses: set[str]
) -> None:
    lambdas = deployed(connection=2, fan_out=2, heartbeat=2)
    for entry in ENTRIES:
        lambdas.publish(entry, 1, moves=False)
    target = Record(commit=A, date=NOON, versions={named(entry): "1" for entry in ENTRIES})
    stack = stack_of(lambdas)
    plan = plan_to(target, lambdas)

    def fail(function: str, version: str) -> None:
        failing = forwards if version == "1" else backwards
        if function in map(named, failing):
            raise failure("ServiceException")

    def lose(function: str, version: str) -> None:
        if version == "1" and function in map(named, loses):
            raise failure("RequestTimeout")

    lambdas.before_update, lambdas.after_update = fail, lose
    try:
        carry_out(stack, plan)
    except ReleaseError as error:
        message = str(error)
        stuck = {name for name, version in lambdas.live().items() if version == "1"}
        assert message.startswith("the rollback is incomplete" if stuck else "nothing is rolled")
        said = {name for name in map(named, ENTRIES) if f"{name} is on 1 instead of 2" in message}
        assert said == stuck
        assert forwards
    else:
        assert set(lambdas.live().values()) == {"1"}
        assert not forwards


def plan_to(target: Record, lambdas: Lambdas) -> Plan:
    aliases = stack_of(lambdas).aliases()
    moves = [Move(name, aliases[name], version) for name, version in target.versions.items()]
    nothing: Mapping[str, str] = {}
    return Plan(target=target, live=None, moves=moves, same=[], newer=nothing, cold=[])
