"""Tags, by which costs and owners are found: on every resource, through the provider."""

import json

from tests.contracts.program_runs import ProgramRun

REQUIRED = {"Project", "Stack", "ManagedBy", "Environment"}


def test_every_resource_is_tagged_through_the_provider(stack: ProgramRun):
    providers = [each for each in stack.engine.registered if each.typ == "pulumi:providers:aws"]
    assert providers
    for provider in providers:
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        assert tags.keys() >= REQUIRED
        assert tags == {
            "Project": "live-sessions",
            "Stack": stack.name,
            "ManagedBy": "pulumi",
            "Environment": stack.name,
        }
    overriding = [each.urn for each in stack.engine.registered if "tags" in each.inputs]
    assert overriding == [], "a resource's own tags may hide the stack's"


def test_every_resource_has_the_tagging_provider(stack: ProgramRun):
    for each in stack.engine.registered:
        if each.custom and each.typ != "pulumi:providers:aws":
            assert "pulumi:providers:aws::" in each.provider, each.urn
