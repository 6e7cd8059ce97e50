"""A custom domain for clients: certificate, domain name, mapping to the stage, DNS record.

Functions still post to connections through API Gateway's own endpoint, which stays enabled: their
permissions and their endpoint variable name that one.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.settings import DomainRules

# The newest policy for Regional domains that needs no choice of ciphers:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
TLS_POLICY = "TLS_1_2"
VALIDATION_TTL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class CustomDomainArgs:
    """`stage` is the stage's name, known once the stage exists."""

    rules: DomainRules
    api_id: pulumi.Input[str]
    stage: pulumi.Input[str]


class CustomDomain(pulumi.ComponentResource):
    """`url` is for clients (wss); a DNS record outside of Route 53 must point to `target`."""

    url: pulumi.Output[str]
    target: pulumi.Output[str]

    def __init__(
        self, name: str, args: CustomDomainArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("live-sessions:custom_domain:CustomDomain", name, None, opts)
        self._resource_name = name
        self._rules = args.rules
        self._child = ResourceOptions(parent=self)
        domain = self._create_domain(args.rules.certificate_arn or self._create_certificate())
        mapping = self._create_mapping(args, domain)
        configuration = domain.domain_name_configuration
        self.target = configuration.target_domain_name
        if args.rules.hosted_zone_id:
            self._create_record(configuration)
        # From the mapping, so that the URL is known only once it works.
        self.url = mapping.domain_name.apply(lambda domain_name: f"wss://{domain_name}")
        self.register_outputs({"url": self.url, "target": self.target})

    def _create_certificate(self) -> pulumi.Output[str]:
        """Validated by a DNS record; ACM renews it as long as the record exists."""
        certificate = aws.acm.Certificate(
            f"{self._resource_name}-certificate",
            domain_name=self._rules.domain_name,
            validation_method="DNS",
            opts=self._child,
        )
        validation_record = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{self._resource_name}-certificate-record",
            zone_id=self._rules.hosted_zone_id,
            name=validation_record.resource_record_name,
            type=validation_record.resource_record_type,
            records=[validation_record.resource_record_value],
            ttl=VALIDATION_TTL_SECONDS,
            # ACM gives an account the same record for a name each time, in every Region.
            allow_overwrite=True,
            opts=self._child,
        )
        validation = aws.acm.CertificateValidation(
            f"{self._resource_name}-certificate-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self._child,
        )
        return validation.certificate_arn

    def _create_domain(self, certificate_arn: pulumi.Input[str]) -> aws.apigatewayv2.DomainName:
        return aws.apigatewayv2.DomainName(
            f"{self._resource_name}-name",
            domain_name=self._rules.domain_name,
            domain_name_configuration=aws.apigatewayv2.DomainNameDomainNameConfigurationArgs(
                certificate_arn=certificate_arn,
                endpoint_type="REGIONAL",
                security_policy=TLS_POLICY,
            ),
            opts=self._child,
        )

    def _create_mapping(
        self, args: CustomDomainArgs, domain: aws.apigatewayv2.DomainName
    ) -> aws.apigatewayv2.ApiMapping:
        return aws.apigatewayv2.ApiMapping(
            f"{self._resource_name}-mapping",
            api_id=args.api_id,
            domain_name=domain.domain_name,
            stage=args.stage,
            opts=self._child,
        )

    def _create_record(
        self,
        configuration: pulumi.Output[aws.apigatewayv2.outputs.DomainNameDomainNameConfiguration],
    ) -> None:
        aws.route53.Record(
            f"{self._resource_name}-record",
            zone_id=self._rules.hosted_zone_id,
            name=self._rules.domain_name,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=configuration.target_domain_name,
                    zone_id=configuration.hosted_zone_id,
                    evaluate_target_health=False,
                )
            ],
            opts=self._child,
        )
