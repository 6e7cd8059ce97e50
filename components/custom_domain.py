"""A custom domain for clients: certificate, domain name, mapping to the stage, DNS record.

Functions still post to connections through API Gateway's own endpoint, which stays enabled: their
permissions and their endpoint variable name that one.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.settings import DomainRules
from components.validated_certificate import validated_certificate

# The newest policy for Regional domains that needs no choice of ciphers:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
TLS_POLICY = "TLS_1_2"


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
        domain = self._create_domain(
            args.rules.certificate_arn
            or validated_certificate(
                name,
                domain_name=args.rules.domain_name,
                hosted_zone_id=args.rules.hosted_zone_id,
                opts=self._child,
            )
        )
        mapping = self._create_mapping(args, domain)
        configuration = domain.domain_name_configuration
        self.target = configuration.target_domain_name
        if args.rules.hosted_zone_id:
            self._create_record(configuration)
        # From the mapping, so that the URL is known only once it works.
        self.url = mapping.domain_name.apply(lambda _: args.rules.url)
        self.register_outputs({"url": self.url, "target": self.target})

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
