"""A certificate that ACM issues once a DNS record proves the domain, and renews while it exists."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

VALIDATION_TTL_SECONDS = 300


def validated_certificate(
    name: str,
    *,
    domain_name: str,
    hosted_zone_id: str,
    opts: ResourceOptions,
    record_opts: ResourceOptions | None = None,
) -> pulumi.Output[str]:
    """The ARN of a new certificate, known once it is issued.

    `record_opts`: options of the DNS record, if it has others than the certificate.
    """
    certificate = aws.acm.Certificate(
        f"{name}-certificate",
        domain_name=domain_name,
        validation_method="DNS",
        opts=opts,
    )
    validation_record = certificate.domain_validation_options[0]
    record = aws.route53.Record(
        f"{name}-certificate-record",
        zone_id=hosted_zone_id,
        name=validation_record.resource_record_name,
        type=validation_record.resource_record_type,
        records=[validation_record.resource_record_value],
        ttl=VALIDATION_TTL_SECONDS,
        # ACM gives an account the same record for a name each time, in every Region.
        allow_overwrite=True,
        opts=record_opts or opts,
    )
    validation = aws.acm.CertificateValidation(
        f"{name}-certificate-validation",
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record.fqdn],
        opts=opts,
    )
    return validation.certificate_arn
