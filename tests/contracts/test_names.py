"""What is called what: URNs that must not change unseen, and the provider that they all have."""

import os
from pathlib import Path

from program.computed import COMPUTED
from program.engine import Engine

WRITE = os.environ.get("WRITE_URNS") == "1"
URNS = Path(__file__).with_name("urns.txt")


def test_no_resource_was_renamed_or_moved(engine: Engine):
    found = {each.urn for each in engine.registered}
    if WRITE:
        URNS.write_text("\n".join(sorted(found)) + "\n")
    known = set(URNS.read_text().splitlines())
    assert not known - found, (
        "gone, or replaced where it has another URN now: give it an alias; WRITE_URNS=1 lists anew"
    )
    assert not found - known, "new: WRITE_URNS=1 lists it too"


def test_every_resource_has_the_programs_own_provider(engine: Engine):
    for each in engine.registered:
        if each.typ != "pulumi:providers:aws":
            assert "::pulumi:providers:aws::aws::" in each.provider, each.urn


def test_the_engine_of_these_tests_knows_no_type_that_the_program_does_not_use(engine: Engine):
    assert {each.typ for each in engine.registered if each.custom} == COMPUTED.keys()
