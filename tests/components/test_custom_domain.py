import functools
from typing import Any

import pulumi
import pytest

from components.custom_domain import CustomDomain, CustomDomainArgs
from components.settings import DomainRules
from program.computed import ACCOUNT, REGION
from program.engine import Engine

NAME = "live.example.com"
ZONE = "Z0123456789"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{'0' * 8}-0000-0000-0000-{'0' * 12}"
# The engine derives the record's name from the resource's.
VALIDATION_RECORD = "_proof.domain-certificate"
TARGET = f"d-abc123.execute-api.{REGION}.amazonaws.com"


@functools.cache
def run(
    *, certificate_arn: str = "", hosted_zone_id: str = "", preview: bool = False
) -> tuple[Engine, dict[str, Any]]:
    def program() -> None:
        rules = DomainRules(
            domain_name=NAME, certificate_arn=certificate_arn, hosted_zone_id=hosted_zone_id
        )
        stage = pulumi.Output.from_input("live")
        domain = CustomDomain("domain", CustomDomainArgs(rules=rules, api_id="abc123", stage=stage))
        pulumi.export("url", domain.url)
        pulumi.export("target", domain.target)

    engine = Engine(preview=preview)
    return engine, engine.run(program)


def test_the_outputs_have_the_url_for_clients_and_the_target_for_dns_records_elsewhere():
    _, outputs = run(certificate_arn=CERTIFICATE)
    assert outputs == {"url": f"wss://{NAME}", "target": TARGET}


def test_the_domain_is_mapped_to_the_whole_stage():
    engine, _ = run(certificate_arn=CERTIFICATE)
    # A mapping key would be a path that clients have to add.
    assert engine.only("apigatewayv2/apiMapping") == {
        "apiId": "abc123",
        "domainName": NAME,
        "stage": "live",
    }


def test_an_existing_certificate_is_used_and_none_is_made():
    engine, _ = run(certificate_arn=CERTIFICATE, hosted_zone_id=ZONE)
    domain = engine.only("apigatewayv2/domainName")
    assert domain == {
        "domainName": NAME,
        "domainNameConfiguration": {
            "certificateArn": CERTIFICATE,
            "endpointType": "REGIONAL",
            "securityPolicy": "TLS_1_2",
        },
    }
    assert engine.inputs("acm/certificate") == []
    assert engine.inputs("acm/certificateValidation") == []
    assert engine.of_type("route53/record").keys() == {"domain-record"}


def test_without_one_a_certificate_is_made_and_validated_in_the_zone():
    engine, _ = run(hosted_zone_id=ZONE)
    assert engine.only("acm/certificate") == {"domainName": NAME, "validationMethod": "DNS"}
    assert engine.of_type("route53/record")["domain-certificate-record"].inputs == {
        "zoneId": ZONE,
        "name": VALIDATION_RECORD,
        "type": "CNAME",
        "records": ["_answer.acm-validations.aws"],
        "ttl": 300,
        "allowOverwrite": True,
    }
    assert engine.only("acm/certificateValidation") == {
        "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/domain-certificate",
        "validationRecordFqdns": [VALIDATION_RECORD],
    }


def test_the_domain_waits_for_the_new_certificate():
    engine, _ = run(hosted_zone_id=ZONE)
    (domain,) = engine.of_type("apigatewayv2/domainName").values()
    assert "domain-certificate-validation" in domain.depends_on, "API Gateway takes no unproved one"


def test_the_zone_gets_a_record_for_the_domain():
    engine, _ = run(certificate_arn=CERTIFICATE, hosted_zone_id=ZONE)
    assert engine.of_type("route53/record")["domain-record"].inputs == {
        "zoneId": ZONE,
        "name": NAME,
        "type": "A",
        "aliases": [{"name": TARGET, "zoneId": "Z1EXAMPLE", "evaluateTargetHealth": False}],
    }


def test_without_a_hosted_zone_there_is_no_record():
    engine, _ = run(certificate_arn=CERTIFICATE)
    assert engine.inputs("route53/record") == []


@pytest.mark.parametrize(
    "given",
    [{"certificate_arn": CERTIFICATE}, {"hosted_zone_id": ZONE}],
    ids=lambda each: next(iter(each)),
)
def test_a_preview_with_nothing_known_yet_plans_the_same(given: dict[str, Any]):
    planned, outputs = run(**given, preview=True)
    made, _ = run(**given)
    assert {each.urn for each in planned.registered} == {each.urn for each in made.registered}
    assert outputs == {"url": f"wss://{NAME}", "target": None}
