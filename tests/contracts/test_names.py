"""URNs, which must not change unnoticed, and the provider of every resource."""

import os
from pathlib import Path

from program.computed import COMPUTED
from program.engine import Engine

WRITE = os.environ.get("WRITE_URNS") == "1"
URNS = Path(__file__).with_name("urns.txt")
# The certificate of the pages, which CloudFront looks for there alone.
OF_CLOUDFRONTS_REGION = {"pages-certificate", "pages-certificate-validation"}


def test_no_resource_was_renamed_or_moved(engine: Engine):
    # A hashed file is named after its content: another one is another object.
    found = {each.urn for each in engine.registered if "::pages-assets/" not in each.urn}
    if WRITE:
        URNS.write_text("\n".join(sorted(found)) + "\n")
    known = set(URNS.read_text().splitlines())
    assert not known - found, (
        "removed, or replaced if its URN changed: give it an alias; WRITE_URNS=1 updates the list"
    )
    assert not found - known, "new: WRITE_URNS=1 updates the list"


def test_every_resource_has_the_programs_own_provider(engine: Engine):
    for each in engine.registered:
        if each.typ != "pulumi:providers:aws":
            name = "pages-us-east-1" if each.name in OF_CLOUDFRONTS_REGION else "aws"
            assert f"pulumi:providers:aws::{name}::" in each.provider, each.urn


def test_the_recording_engine_knows_exactly_the_types_that_the_program_uses(engine: Engine):
    assert {each.typ for each in engine.registered if each.custom} == COMPUTED.keys()
