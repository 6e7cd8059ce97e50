"""Whether a rollback chose the versions that serve, as `make verify` finds out."""

from typing import Any

import pytest

from operations.releases.chosen import chosen_release
from operations.releases.stack import ReleasedStack
from operations.verify.context import Context
from operations.verify.declared import Declared
from operations.verify.deployment import Deployment
from operations.verify.options import Options
from operations.verify.verification import prepared
from tests.operations.preflight.accounts import CONFIG, IDENTITY, denied
from tests.operations.releases.lambdas import (
    ONE,
    STACK,
    TWO,
    Function,
    Lambdas,
    deployed,
    named,
    stack_of,
)
from tests.operations.releases.test_recording import A, released


@pytest.fixture
def lambdas() -> Lambdas:
    """A release of which both functions have a newer version that serves."""
    lambdas = deployed(connection=1, fan_out=1)
    released(lambdas, A)
    lambdas.publish(ONE, 2)
    lambdas.publish(TWO, 2)
    return lambdas


def test_a_recorded_release_that_serves_although_there_are_newer_versions_was_chosen(
    lambdas: Lambdas,
) -> None:
    lambdas.move(ONE, 1)
    assert chosen_release(stack_of(lambdas)) is None, "one alone is no release"
    lambdas.move(TWO, 1)
    chosen = chosen_release(stack_of(lambdas))
    assert chosen
    assert chosen.record.commit == A
    assert chosen.versions == {named(ONE): "1", named(TWO): "1"}


def test_versions_of_no_record_were_not_chosen(lambdas: Lambdas) -> None:
    lambdas.publish(ONE, 3)
    lambdas.move(ONE, 2)
    assert chosen_release(stack_of(lambdas)) is None


def test_without_aliases_nothing_was_chosen() -> None:
    lambdas = Lambdas()
    lambdas.functions[named(ONE)] = Function()
    assert chosen_release(stack_of(lambdas)) is None


def without_permission(lambdas: Lambdas) -> Any:
    class Refusing:
        def get_paginator(self, operation: str) -> Any:
            return denied("GetParametersByPath", "ssm:GetParametersByPath")()

    return lambda service: lambdas if service == "lambda" else Refusing()


def context_of_run(client: Any, said: list[str]) -> Context:
    deployment = Deployment(
        stack=STACK, outputs={}, config=CONFIG, identity=IDENTITY, client=client
    )
    options = Options(stack=STACK, only=("functions",))
    with prepared(deployment, Declared(()), options, said.append) as context:
        return context


def test_records_are_read_only_where_an_older_version_serves(lambdas: Lambdas) -> None:
    said: list[str] = []
    client = without_permission(lambdas)
    assert chosen_release(ReleasedStack(STACK, client)) is None
    assert context_of_run(client, said).chosen_versions == {}
    assert said == []


def test_a_run_that_may_not_read_the_records_says_so_and_expects_the_newest_versions(
    lambdas: Lambdas,
) -> None:
    lambdas.move(ONE, 1)
    lambdas.move(TWO, 1)
    said: list[str] = []
    assert context_of_run(without_permission(lambdas), said).chosen_versions == {}
    [text] = said
    assert "whether the stack is rolled back is unknown" in text
    assert "ssm:GetParametersByPath" in text
    context = context_of_run(stack_of(lambdas).client, said)
    assert context.chosen_versions == {named(ONE): "1", named(TWO): "1"}
    assert context.chosen_release.startswith("aaaaaaa of ")
