"""The custom domain: its hosted zone, its certificate, and names that are taken elsewhere."""

from collections.abc import Iterator
from typing import Any

from operations.preflight.answers import Question, asked
from operations.preflight.ownership import described, is_owned, owner_of
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, right, wrong

DOMAIN_NAME = "aws:apigatewayv2/domainName:DomainName"
RECORD = "aws:route53/record:Record"
CERTIFICATE = "aws:acm/certificate:Certificate"
# A name with one of these has no other record: https://datatracker.ietf.org/doc/html/rfc1034
CONFLICTING = ("A", "AAAA", "CNAME")


def domain(context: Context) -> Iterator[Verdict]:
    """Check what a stack with `domainName` needs; nothing for one without."""
    return asked(_questions(context))


def _questions(context: Context) -> Iterator[Question]:
    for inputs in context.declared.of(DOMAIN_NAME).values():
        name = inputs["domainName"]
        yield "domain name", lambda name=name: _domain_name(context, name)
        zones = {each["zoneId"] for each in context.declared.of(RECORD).values()}
        for zone in sorted(zones):
            yield "hosted zone", lambda name=name, zone=zone: _zone(context, name, zone)
        if not context.declared.of(CERTIFICATE):
            arn = inputs["domainNameConfiguration"]["certificateArn"]
            yield "certificate", lambda name=name, arn=arn: _certificate(context, name, arn)


def _domain_name(context: Context, name: str) -> Iterator[Verdict]:
    subject, live = f"domain name {name}", _live_domain(context, name)
    if live is None:
        yield right(subject, "free in this account and Region")
    elif is_owned(live.get("Tags", {}), owner_of(context)):
        yield right(subject, "this stack's own")
    else:
        seen = f"exists already and is not this stack's: {described(live.get('Tags', {}))}"
        yield wrong(subject, seen, "delete the other domain name, or set another domainName")


def _zone(context: Context, name: str, zone: str) -> Iterator[Verdict]:
    client, subject = context.deployment.client("route53"), f"hosted zone {zone}"
    way_out = f"set hostedZoneId to the public hosted zone of {name}"
    try:
        found = client.get_hosted_zone(Id=zone)
    except client.exceptions.NoSuchHostedZone:
        yield wrong(subject, "does not exist in this account", way_out)
        return
    suffix = found["HostedZone"]["Name"].rstrip(".")
    if found["HostedZone"].get("Config", {}).get("PrivateZone"):
        yield wrong(subject, "is private: ACM and the clients cannot see its records", way_out)
    elif name != suffix and not name.endswith(f".{suffix}"):
        yield wrong(subject, f"is for {suffix}, which does not contain {name}", way_out)
    else:
        servers = ", ".join(found.get("DelegationSet", {}).get("NameServers", []))
        yield right(subject, f"public, for {suffix}; its parent has to name {servers}")
        yield from _record(context, name, zone)


def _record(context: Context, name: str, zone: str) -> Iterator[Verdict]:
    """The program's record is an alias of the domain name's own endpoint."""
    answer = context.deployment.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name
    )
    taken = [
        each
        for each in answer["ResourceRecordSets"]
        if each["Name"].rstrip(".") == name and each["Type"] in CONFLICTING
    ]
    live = _live_domain(context, name) or {}
    endpoints = {
        each.get("ApiGatewayDomainName") for each in live.get("DomainNameConfigurations", [])
    }
    foreign = [
        each["Type"]
        for each in taken
        if each.get("AliasTarget", {}).get("DNSName", "").rstrip(".") not in endpoints
    ]
    subject = f"DNS record {name}"
    if foreign:
        seen = f"a record of type {', '.join(foreign)} exists already and points elsewhere"
        yield wrong(subject, seen, f"delete it from {zone}, or set another domainName")
    else:
        yield right(subject, "this stack's own" if taken else "free")


def _certificate(context: Context, name: str, arn: str) -> Iterator[Verdict]:
    client, region = context.deployment.client("acm"), context.deployment.identity.region
    subject, way_out = "certificate", f"set certificateArn to an issued one for {name} in {region}"
    if arn.split(":")[3] != region:
        yield wrong(subject, f"{arn} is not in the stack's Region, {region}", way_out)
        return
    try:
        found = client.describe_certificate(CertificateArn=arn)["Certificate"]
    except client.exceptions.ResourceNotFoundException:
        yield wrong(subject, f"{arn} does not exist", way_out)
        return
    names = found.get("SubjectAlternativeNames", [found["DomainName"]])
    wildcard = f"*.{name.partition('.')[2]}"
    if found["Status"] != "ISSUED":
        yield wrong(subject, f"{arn} is {found['Status']}, not ISSUED", way_out)
    elif name not in names and wildcard not in names:
        yield wrong(subject, f"{arn} is for {', '.join(names)}, not for {name}", way_out)
    else:
        yield right(subject, f"issued for {', '.join(names)}")


def _live_domain(context: Context, name: str) -> dict[str, Any] | None:
    client = context.deployment.client("apigatewayv2")
    try:
        return client.get_domain_name(DomainName=name)
    except client.exceptions.NotFoundException:
        return None
