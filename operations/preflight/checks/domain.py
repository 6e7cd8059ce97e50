"""Own domain names, of the API and of the pages: hosted zone, certificate, and names that are taken
elsewhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from components.settings import CERTIFICATE_REGION
from operations.preflight.answers import Question, asked
from operations.preflight.ownership import described, is_owned, owner_of
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, right, wrong

DOMAIN_NAME = "aws:apigatewayv2/domainName:DomainName"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
RECORD = "aws:route53/record:Record"
CERTIFICATE = "aws:acm/certificate:Certificate"
# A name with one of these has no other record: https://datatracker.ietf.org/doc/html/rfc1034
CONFLICTING = ("A", "AAAA", "CNAME")


@dataclass(frozen=True, kw_only=True)
class OwnName:
    """A name, the settings that it comes from, and where its certificate has to be.

    `endpoints` are the targets of the stack's own DNS records for it; `where` names the Region.
    """

    name: str
    name_setting: str
    zone_setting: str
    certificate_setting: str
    certificate_arn: str
    region: str
    where: str
    endpoints: Callable[[Context], set[str]]


def domain(context: Context) -> Iterator[Verdict]:
    """Check what a stack with `domainName` needs; nothing for one without."""
    return asked(_questions(context))


def pages_domain(context: Context) -> Iterator[Verdict]:
    """Check what a stack with `webPagesDomainName` needs; nothing for one without."""
    return asked(_questions_of_pages(context))


def _questions(context: Context) -> Iterator[Question]:
    region = context.deployment.identity.region
    for inputs in context.declared.of(DOMAIN_NAME).values():
        own = OwnName(
            name=inputs["domainName"],
            name_setting="domainName",
            zone_setting="hostedZoneId",
            certificate_setting="certificateArn",
            certificate_arn=inputs["domainNameConfiguration"]["certificateArn"],
            region=region,
            where=f"the stack's Region, {region}",
            endpoints=lambda context, name=inputs["domainName"]: _api_endpoints(context, name),
        )
        yield "domain name", lambda own=own: _domain_name(context, own.name)
        yield from _zone_and_certificate(context, own)


def _questions_of_pages(context: Context) -> Iterator[Question]:
    for inputs in context.declared.of(DISTRIBUTION).values():
        for name in inputs.get("aliases") or ():
            own = OwnName(
                name=name,
                name_setting="webPagesDomainName",
                zone_setting="webPagesHostedZoneId",
                certificate_setting="webPagesCertificateArn",
                certificate_arn=inputs["viewerCertificate"]["acmCertificateArn"],
                region=CERTIFICATE_REGION,
                where=f"CloudFront's Region, {CERTIFICATE_REGION}",
                endpoints=lambda context, comment=inputs["comment"]: {
                    each["DomainName"]
                    for each in _distributions(context)
                    if each["Comment"] == comment
                },
            )
            yield (
                "distribution",
                lambda name=name, comment=inputs["comment"]: _alias(context, name, comment),
            )
            yield from _zone_and_certificate(context, own)


def _zone_and_certificate(context: Context, own: OwnName) -> Iterator[Question]:
    records = context.declared.of(RECORD).values()
    for zone in sorted({each["zoneId"] for each in records if each["name"] == own.name}):
        yield "hosted zone", lambda zone=zone: _zone(context, own, zone)
    made = {each["domainName"] for each in context.declared.of(CERTIFICATE).values()}
    if own.name not in made:
        yield "certificate", lambda: _certificate(context, own)


def _domain_name(context: Context, name: str) -> Iterator[Verdict]:
    subject, live = f"domain name {name}", _live_domain(context, name)
    if live is None:
        yield right(subject, "free in this account and Region")
    elif is_owned(live.get("Tags", {}), owner_of(context)):
        yield right(subject, "this stack's own")
    else:
        seen = f"exists already and is not this stack's: {described(live.get('Tags', {}))}"
        yield wrong(subject, seen, "delete the other domain name, or set another domainName")


def _alias(context: Context, name: str, comment: str) -> Iterator[Verdict]:
    """A name belongs to one distribution; those of other accounts cannot be seen."""
    having = {
        each["Comment"]
        for each in _distributions(context)
        if name in each.get("Aliases", {}).get("Items", [])
    }
    subject = f"domain name {name}"
    if foreign := having - {comment}:
        seen = f"is the name of another distribution of this account: {', '.join(sorted(foreign))}"
        yield wrong(subject, seen, "take it from that one, or set another webPagesDomainName")
    else:
        yield right(subject, "this stack's own" if having else "free in this account")


def _zone(context: Context, own: OwnName, zone: str) -> Iterator[Verdict]:
    client, subject = context.deployment.client("route53"), f"hosted zone {zone}"
    way_out = f"set {own.zone_setting} to the public hosted zone of {own.name}"
    try:
        found = client.get_hosted_zone(Id=zone)
    except client.exceptions.NoSuchHostedZone:
        yield wrong(subject, "does not exist in this account", way_out)
        return
    suffix = found["HostedZone"]["Name"].rstrip(".")
    if found["HostedZone"].get("Config", {}).get("PrivateZone"):
        yield wrong(subject, "is private: ACM and the clients cannot see its records", way_out)
    elif own.name != suffix and not own.name.endswith(f".{suffix}"):
        yield wrong(subject, f"is for {suffix}, which does not contain {own.name}", way_out)
    else:
        servers = ", ".join(found.get("DelegationSet", {}).get("NameServers", []))
        yield right(subject, f"public, for {suffix}; its parent has to name {servers}")
        yield from _record(context, own, zone)


def _record(context: Context, own: OwnName, zone: str) -> Iterator[Verdict]:
    """The program's records are aliases of the stack's own endpoint."""
    answer = context.deployment.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=own.name
    )
    taken = [
        each
        for each in answer["ResourceRecordSets"]
        if each["Name"].rstrip(".") == own.name and each["Type"] in CONFLICTING
    ]
    endpoints = own.endpoints(context) if taken else set()
    foreign = [
        each["Type"]
        for each in taken
        if each.get("AliasTarget", {}).get("DNSName", "").rstrip(".") not in endpoints
    ]
    subject = f"DNS record {own.name}"
    if foreign:
        seen = f"a record of type {', '.join(foreign)} exists already and points elsewhere"
        yield wrong(subject, seen, f"delete it from {zone}, or set another {own.name_setting}")
    else:
        yield right(subject, "this stack's own" if taken else "free")


def _certificate(context: Context, own: OwnName) -> Iterator[Verdict]:
    client, arn = context.deployment.regional_client("acm", own.region), own.certificate_arn
    subject = "certificate"
    way_out = f"set {own.certificate_setting} to an issued one for {own.name} in {own.region}"
    if arn.split(":")[3] != own.region:
        yield wrong(subject, f"{arn} is not in {own.where}", way_out)
        return
    try:
        found = client.describe_certificate(CertificateArn=arn)["Certificate"]
    except client.exceptions.ResourceNotFoundException:
        yield wrong(subject, f"{arn} does not exist", way_out)
        return
    names = found.get("SubjectAlternativeNames", [found["DomainName"]])
    wildcard = f"*.{own.name.partition('.')[2]}"
    if found["Status"] != "ISSUED":
        yield wrong(subject, f"{arn} is {found['Status']}, not ISSUED", way_out)
    elif own.name not in names and wildcard not in names:
        yield wrong(subject, f"{arn} is for {', '.join(names)}, not for {own.name}", way_out)
    else:
        yield right(subject, f"issued for {', '.join(names)}")


def _live_domain(context: Context, name: str) -> dict[str, Any] | None:
    client = context.deployment.client("apigatewayv2")
    try:
        return client.get_domain_name(DomainName=name)
    except client.exceptions.NotFoundException:
        return None


def _api_endpoints(context: Context, name: str) -> set[str]:
    live = _live_domain(context, name) or {}
    return {each["ApiGatewayDomainName"] for each in live.get("DomainNameConfigurations", [])}


def _distributions(context: Context) -> list[dict[str, Any]]:
    pages = context.deployment.client("cloudfront").get_paginator("list_distributions").paginate()
    return [each for page in pages for each in page["DistributionList"].get("Items", [])]
