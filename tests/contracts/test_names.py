"""What is called what: URNs that must not change unseen, and the provider that they all have."""

from pathlib import Path

from program.computed import COMPUTED
from program.engine import Engine

URNS = Path(__file__).with_name("urns.txt")


def test_no_resource_was_renamed_or_moved(engine: Engine):
    found = sorted(each.urn for each in engine.registered)
    assert found == URNS.read_text().splitlines(), (
        "AWS would replace what has another URN: give it an alias, then update urns.txt"
    )


def test_every_resource_has_the_programs_own_provider(engine: Engine):
    for each in engine.registered:
        if each.typ != "pulumi:providers:aws":
            assert "::pulumi:providers:aws::aws::" in each.provider, each.urn


def test_the_engine_of_these_tests_knows_no_type_that_the_program_does_not_use(engine: Engine):
    assert {each.typ for each in engine.registered if each.custom} == COMPUTED.keys()
