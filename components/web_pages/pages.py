"""The speaker page and the listener page: a private bucket behind CloudFront.

The constructor makes everything but the pages themselves, and knows their URL; `publish` uploads
them last, with the config.json of the stack.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.handler_function import FunctionPlatform
from components.policies import bucket_access
from components.private_bucket import PrivateBucket, private_bucket
from components.settings import CERTIFICATE_REGION, WebPagesRules
from components.validated_certificate import validated_certificate
from components.web_pages.distribution import create_distribution, create_headers_policy
from components.web_pages.objects import create_objects
from contract.global_names import global_name

SIGN_IN_PAGE = "speak.html"


@dataclass(frozen=True, kw_only=True)
class WebPagesArgs:
    """`folder` has the built pages; `connects_to` are the URLs to which they send requests.

    `tags` are the default tags of a provider of its own, where the certificate is made.
    """

    platform: FunctionPlatform
    rules: WebPagesRules
    folder: Path
    connects_to: Sequence[pulumi.Input[str]]
    tags: Mapping[str, str]


class WebPages(pulumi.ComponentResource):
    """`url` has the pages, without a slash at its end.

    A DNS record outside of Route 53 must point to `distribution_domain`.
    """

    url: pulumi.Output[str]
    bucket_name: pulumi.Output[str]
    distribution_id: pulumi.Output[str]
    distribution_domain: pulumi.Output[str]

    def __init__(self, name: str, args: WebPagesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("live-sessions:web_pages:WebPages", name, None, opts)
        self._resource_name = name
        self._args = args
        self._child = ResourceOptions(parent=self)
        bucket = self._create_bucket()
        physical_name = f"{args.platform.prefix}-pages"
        policy = create_headers_policy(
            name, physical_name=physical_name, connects_to=args.connects_to, opts=self._child
        )
        distribution = create_distribution(
            name,
            physical_name=physical_name,
            bucket=bucket,
            headers_policy_id=policy.id,
            domain_name=args.rules.web_pages_domain_name,
            certificate_arn=self._certificate_arn(),
            opts=self._child,
        )
        self._let_read(bucket, distribution)
        if args.rules.web_pages_hosted_zone_id:
            self._create_records(distribution)
        self.bucket_name = bucket.name
        self.distribution_id = distribution.id
        self.distribution_domain = distribution.domain_name
        self.url = pulumi.Output.concat(
            "https://", args.rules.web_pages_domain_name or distribution.domain_name
        )
        self.register_outputs({"url": self.url, "distributionId": self.distribution_id})

    @property
    def sign_in_pages(self) -> list[pulumi.Input[str]]:
        """The URLs of the page that speakers sign in on, wherever it is served."""
        origins = (self.url, *self._args.rules.web_pages_origins)
        return [pulumi.Output.concat(origin, "/", SIGN_IN_PAGE) for origin in origins]

    def publish(self, config: Mapping[str, Any]) -> None:
        """Upload the pages; `config` is the content of their config.json."""
        create_objects(
            self._resource_name,
            bucket=self.bucket_name,
            folder=self._args.folder,
            config=config,
            parent=self,
        )

    def _create_bucket(self) -> PrivateBucket:
        platform = self._args.platform
        bucket_name = pulumi.Output.from_input(platform.account_id).apply(
            lambda account: global_name(platform.prefix, f"pages-{account}-{platform.region}")
        )
        # Nothing in it is lost: the pages can be built again.
        return private_bucket(
            self._resource_name, bucket_name=bucket_name, force_destroy=True, opts=self._child
        )

    def _certificate_arn(self) -> pulumi.Input[str] | None:
        rules = self._args.rules
        if not rules.web_pages_domain_name or rules.web_pages_certificate_arn:
            return rules.web_pages_certificate_arn or None
        provider = aws.Provider(
            f"{self._resource_name}-{CERTIFICATE_REGION}",
            region=CERTIFICATE_REGION,
            default_tags=aws.ProviderDefaultTagsArgs(tags=self._args.tags),
            opts=self._child,
        )
        return validated_certificate(
            self._resource_name,
            domain_name=rules.web_pages_domain_name,
            hosted_zone_id=rules.web_pages_hosted_zone_id,
            opts=ResourceOptions(parent=self, provider=provider),
            record_opts=self._child,
        )

    def _let_read(self, bucket: PrivateBucket, distribution: "aws.cloudfront.Distribution") -> None:
        aws.s3.BucketPolicy(
            f"{self._resource_name}-access-policy",
            bucket=bucket.name,
            policy=bucket_access(bucket.arn, distribution.arn),
            opts=bucket.setting,
        )

    def _create_records(self, distribution: "aws.cloudfront.Distribution") -> None:
        for record_type in ("A", "AAAA"):
            aws.route53.Record(
                f"{self._resource_name}-record-{record_type.lower()}",
                zone_id=self._args.rules.web_pages_hosted_zone_id,
                name=self._args.rules.web_pages_domain_name,
                type=record_type,
                aliases=[
                    aws.route53.RecordAliasArgs(
                        name=distribution.domain_name,
                        zone_id=distribution.hosted_zone_id,
                        evaluate_target_health=False,
                    )
                ],
                opts=self._child,
            )
