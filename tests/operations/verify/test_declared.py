"""What is declared contains the ids of the deployment."""

import json

import pytest

from operations.verify.declared import Declared, Identity, declared_by
from program.computed import ACCOUNT, REGION
from program.stack_config import stack_config

IDENTITY = Identity(
    account_id="998877665544", region="eu-central-1", partition="aws-iso", api_id="zyxwv98765"
)


@pytest.fixture(scope="module")
def staging() -> Declared:
    return declared_by("staging", stack_config("staging"), IDENTITY)


def test_no_made_up_id_remains(staging: Declared) -> None:
    everything = json.dumps([each.inputs for each in staging.resources], default=str)
    for made_up in (ACCOUNT, REGION, "abc123", "arn:aws:"):
        assert made_up not in everything, made_up


def test_a_roles_statements_name_the_deployments_own_api(staging: Declared) -> None:
    statement = staging.statements("live-sessions-staging-heartbeat")["PostToConnections"]
    assert statement["Resource"] == [
        "arn:aws-iso:execute-api:eu-central-1:998877665544:zyxwv98765/staging/POST/@connections/*"
    ]


def test_resources_named_by_pulumi_are_not_found_by_name(staging: Declared) -> None:
    roles = staging.of("aws:iam/role:Role")
    named = staging.named("aws:iam/role:Role")
    assert set(named) == {each["name"] for each in roles.values() if "name" in each}
    assert len(named) < len(roles), "Pulumi names the role of the access logs"
