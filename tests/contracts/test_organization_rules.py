"""Every role follows the organization's rules, whoever makes it."""

from pathlib import Path

import pytest

from tests.contracts.program_runs import EVERYTHING, STACKS, run, run_named

ROOT = Path(__file__).resolve().parents[2]
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
RULES = {"permissionsBoundaryArn": BOUNDARY, "rolePath": "/live/"}


def test_every_role_has_the_boundary_and_the_path():
    roles = run("staging", {**EVERYTHING, **RULES}, name="ruled").engine.inputs("iam/role")
    assert len(roles) > 10
    assert {(each["permissionsBoundary"], each["path"]) for each in roles} == {(BOUNDARY, "/live/")}


@pytest.mark.parametrize("stack", STACKS)
def test_without_rules_no_role_has_either(stack: str):
    for role in run_named(stack).engine.inputs("iam/role"):
        assert not role.keys() & {"permissionsBoundary", "path"}


def test_roles_are_made_in_one_module_alone():
    modules = [*(ROOT / "components").rglob("*.py"), ROOT / "__main__.py"]
    making = [each.name for each in modules if "iam.Role(" in each.read_text()]
    assert making == ["roles.py"]
