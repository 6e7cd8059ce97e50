"""Data at rest is encrypted; a resource type that is new must be classified first."""

from program.computed import COMPUTED
from tests.contracts.program_runs import ProgramRun
from tests.contracts.resource_types import ENCRYPTED, HOLDS_NOTHING


def test_every_resource_type_is_classified():
    assert COMPUTED.keys() == ENCRYPTED.keys() | HOLDS_NOTHING
    assert not ENCRYPTED.keys() & HOLDS_NOTHING


def test_nothing_of_a_stack_is_unencrypted_at_rest(stack: ProgramRun):
    kept = [each for each in stack.engine.registered if each.typ in ENCRYPTED]
    assert kept
    assert [each.urn for each in kept if not ENCRYPTED[each.typ](each.inputs)] == []


def test_sending_to_a_queue_or_topic_needs_tls(stack: ProgramRun):
    kinds = ("sqs/queue", "sns/topic")
    for kind in kinds:
        policies = stack.engine.inputs(f"{kind}Policy")
        assert len(policies) == len(stack.engine.inputs(kind))
        for policy in policies:
            assert '"aws:SecureTransport": "false"' in policy["policy"]


def test_a_custom_domain_needs_a_current_tls_version(stack: ProgramRun):
    for each in stack.engine.inputs("apigatewayv2/domainName"):
        assert each["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2"
