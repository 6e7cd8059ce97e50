"""Whatever keeps data keeps it encrypted, and a type that is new has to be thought of first."""

from program.computed import COMPUTED
from tests.contracts.program_runs import ProgramRun
from tests.contracts.resource_types import ENCRYPTED, HOLDS_NOTHING


def test_every_type_is_known_to_hold_data_or_not():
    assert COMPUTED.keys() == ENCRYPTED.keys() | HOLDS_NOTHING
    assert not ENCRYPTED.keys() & HOLDS_NOTHING


def test_nothing_of_a_stack_is_unencrypted_at_rest(stack: ProgramRun):
    kept = [each for each in stack.engine.registered if each.typ in ENCRYPTED]
    assert kept
    assert [each.urn for each in kept if not ENCRYPTED[each.typ](each.inputs)] == []


def test_whoever_sends_to_a_queue_or_topic_has_to_do_so_by_tls(stack: ProgramRun):
    kinds = ("sqs/queue", "sns/topic")
    for kind in kinds:
        policies = stack.engine.inputs(f"{kind}Policy")
        assert len(policies) == len(stack.engine.inputs(kind))
        for policy in policies:
            assert '"aws:SecureTransport": "false"' in policy["policy"]


def test_the_domains_clients_speak_tls_of_this_day(stack: ProgramRun):
    for each in stack.engine.inputs("apigatewayv2/domainName"):
        assert each["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2"
