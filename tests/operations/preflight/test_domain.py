"""The custom domain: zone, certificate, name and record, as AWS returns them."""

from typing import Any

import pytest

from operations.preflight.checks.domain import (
    CERTIFICATE,
    DISTRIBUTION,
    DOMAIN_NAME,
    RECORD,
    domain,
    pages_domain,
)
from operations.verify.context import Context
from operations.verify.verdicts import Result
from tests.operations.preflight.accounts import (
    FOREIGN,
    OWN,
    REGION,
    account,
    denied,
    results,
    wrong,
)
from tests.operations.verify.contexts import Service, declared, missing

NAME, ZONE = "live.example.com", "Z0123456789"
ENDPOINT = "d-abc.execute-api.eu-central-1.amazonaws.com"
ARN = f"arn:aws:acm:{REGION}:123456789012:certificate/1"
ISSUED = {"Status": "ISSUED", "DomainName": NAME, "SubjectAlternativeNames": [NAME]}
OWN_DOMAIN = {"Tags": OWN, "DomainNameConfigurations": [{"ApiGatewayDomainName": ENDPOINT}]}
ALIAS = {"Name": f"{NAME}.", "Type": "A", "AliasTarget": {"DNSName": f"{ENDPOINT}."}}


def with_domain(
    *,
    live: Any = missing,
    zone: Any = None,
    records: list[dict[str, Any]] | None = None,
    certificate: Any = None,
    arn: str = ARN,
    creates_certificate: bool = False,
) -> Context:
    hosted = {"Name": "example.com.", "Config": {"PrivateZone": False}}
    servers = {"NameServers": ["ns-1.awsdns-00.org"]}
    clients = {
        "apigatewayv2": Service(get_domain_name=live),
        "route53": Service(
            get_hosted_zone=zone
            if callable(zone)
            else {"HostedZone": {**hosted, **(zone or {})}, "DelegationSet": servers},
            list_resource_record_sets={"ResourceRecordSets": records or []},
        ),
        "acm": Service(
            describe_certificate=certificate
            if callable(certificate)
            else {"Certificate": {**ISSUED, **(certificate or {})}}
        ),
    }
    configuration = {"certificateArn": arn, "endpointType": "REGIONAL"}
    resources = [
        declared(DOMAIN_NAME, "name", domainName=NAME, domainNameConfiguration=configuration),
        declared(RECORD, "record", name=NAME, zoneId=ZONE, type="A"),
    ]
    if creates_certificate:
        resources.append(declared(CERTIFICATE, "certificate", domainName=NAME))
    return account(clients, *resources, tokens=[])


def test_a_stack_without_a_domain_has_nothing_to_check() -> None:
    assert results(domain, account(tokens=[])) == {}


def test_zone_certificate_and_free_names_are_right() -> None:
    found = results(domain, with_domain())
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found.keys() == {
        *(f"domain name {NAME}", f"hosted zone {ZONE}", f"DNS record {NAME}", "certificate")
    }
    assert "ns-1.awsdns-00.org" in found[f"hosted zone {ZONE}"].seen


def test_the_stacks_own_domain_and_record_are_right() -> None:
    found = results(domain, with_domain(live=OWN_DOMAIN, records=[ALIAS]))
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found[f"DNS record {NAME}"].seen == "this stack's own"


def test_a_certificate_that_the_program_creates_is_not_looked_up() -> None:
    found = results(domain, with_domain(certificate=missing, creates_certificate=True))
    assert "certificate" not in found


def test_a_domain_name_of_another_stack_is_wrong() -> None:
    [(subject, seen)] = wrong(domain, with_domain(live={"Tags": FOREIGN})).items()
    assert subject == f"domain name {NAME}"
    assert "Stack=production" in seen


@pytest.mark.parametrize(
    ("zone", "seen"),
    [
        (missing, "does not exist in this account"),
        ({"Config": {"PrivateZone": True}}, "is private"),
        ({"Name": "example.org."}, "is for example.org, which does not contain"),
        ({"Name": "ample.com."}, "is for ample.com, which does not contain"),
    ],
)
def test_a_hosted_zone_that_cannot_serve_the_name_is_wrong(zone: Any, seen: str) -> None:
    assert wrong(domain, with_domain(zone=zone))[f"hosted zone {ZONE}"].startswith(seen)


@pytest.mark.parametrize("type_", ["A", "AAAA", "CNAME"])
def test_a_record_that_points_elsewhere_is_wrong(type_: str) -> None:
    record = {"Name": f"{NAME}.", "Type": type_, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    assert wrong(domain, with_domain(records=[record])).keys() == {f"DNS record {NAME}"}


def test_records_of_other_names_and_types_are_no_conflict() -> None:
    others = [
        {"Name": f"{NAME}.", "Type": "TXT"},
        {"Name": "music.example.com.", "Type": "A"},
    ]
    assert wrong(domain, with_domain(records=others)) == {}


@pytest.mark.parametrize(
    ("certificate", "seen"),
    [
        (missing, "does not exist"),
        ({"Status": "PENDING_VALIDATION"}, "is PENDING_VALIDATION, not ISSUED"),
        ({"SubjectAlternativeNames": ["example.com"]}, "is for example.com, not for"),
        ({"SubjectAlternativeNames": ["*.live.example.com"]}, "is for *.live.example.com, not for"),
    ],
)
def test_a_certificate_that_cannot_serve_the_name_is_wrong(certificate: Any, seen: str) -> None:
    assert seen in wrong(domain, with_domain(certificate=certificate))["certificate"]


def test_a_wildcard_certificate_is_right() -> None:
    wildcard = {"SubjectAlternativeNames": ["*.example.com"]}
    assert wrong(domain, with_domain(certificate=wildcard)) == {}


def test_a_certificate_of_another_region_is_wrong() -> None:
    found = wrong(domain, with_domain(arn=ARN.replace(REGION, "us-east-1")))
    assert found["certificate"].endswith(f"is not in the stack's Region, {REGION}")


def test_a_denied_look_up_is_unknown_and_the_rest_is_still_checked() -> None:
    zone = denied("GetHostedZone", "route53:GetHostedZone")
    found = results(domain, with_domain(zone=zone))
    assert found["hosted zone"].result is Result.UNKNOWN
    assert "route53:GetHostedZone" in found["hosted zone"].way_out
    assert found["certificate"].result is Result.RIGHT


PAGES, TALK = "live-sessions-staging-pages", "talk.example.com"
OF_CLOUDFRONT = ARN.replace(REGION, "us-east-1")
OWN_PAGES = {"Comment": PAGES, "DomainName": "d1.cloudfront.net", "Aliases": {"Items": [TALK]}}


def with_pages(
    *distributions: dict[str, Any],
    arn: str = OF_CLOUDFRONT,
    records: list[dict[str, Any]] | None = None,
) -> Context:
    zone = {"HostedZone": {"Name": "example.com."}}
    clients = {
        "cloudfront": Service(list_distributions={"DistributionList": {"Items": distributions}}),
        "route53": Service(
            get_hosted_zone=zone, list_resource_record_sets={"ResourceRecordSets": records or []}
        ),
        "acm": Service(
            describe_certificate={"Certificate": {"Status": "ISSUED", "DomainName": TALK}}
        ),
    }
    return account(
        clients,
        declared(
            DISTRIBUTION,
            "pages-distribution",
            comment=PAGES,
            aliases=[TALK],
            viewerCertificate={"acmCertificateArn": arn},
        ),
        *(
            declared(RECORD, f"record-{kind}", name=TALK, zoneId=ZONE, type=kind)
            for kind in ("A", "AAAA")
        ),
        tokens=[],
    )


def aliases_to(target: str) -> list[dict[str, Any]]:
    return [
        {"Name": f"{TALK}.", "Type": kind, "AliasTarget": {"DNSName": f"{target}."}}
        for kind in ("A", "AAAA")
    ]


def test_a_stack_without_a_name_for_its_pages_has_nothing_to_check() -> None:
    assert results(pages_domain, account(tokens=[])) == {}
    assert results(pages_domain, with_domain()) == {}
    assert results(domain, with_pages()) == {}


def test_names_of_pages_that_are_free_or_their_own_are_right() -> None:
    own = with_pages(OWN_PAGES, records=aliases_to("d1.cloudfront.net"))
    for context, seen in ((with_pages(), "free"), (own, "this stack's own")):
        found = results(pages_domain, context)
        assert {each.result for each in found.values()} == {Result.RIGHT}, found
        assert found[f"domain name {TALK}"].seen.startswith(seen)
        assert found[f"DNS record {TALK}"].seen == seen


def test_a_name_of_another_distribution_is_wrong() -> None:
    other = {**OWN_PAGES, "Comment": "shop"}
    found = wrong(pages_domain, with_pages(other, records=aliases_to("d1.cloudfront.net")))
    assert found.keys() == {f"domain name {TALK}", f"DNS record {TALK}"}
    assert found[f"domain name {TALK}"].endswith("another distribution of this account: shop")


def test_a_certificate_that_cloudfront_cannot_see_is_wrong() -> None:
    found = wrong(pages_domain, with_pages(arn=ARN))
    assert found["certificate"].endswith("is not in CloudFront's Region, us-east-1")
