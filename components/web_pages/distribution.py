"""The distribution in front of the bucket: how it reads, what it sends, and under which name."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.private_bucket import PrivateBucket
from components.web_pages import headers

INDEX = "index.html"
NOT_FOUND = "404.html"
NOT_FOUND_SECONDS = 10
"""How long CloudFront answers with the page NOT_FOUND before it asks again."""
ORIGIN = "bucket"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html
TLS_POLICY = "TLSv1.2_2021"


def create_headers_policy(
    name: str,
    *,
    physical_name: str,
    connects_to: Sequence[pulumi.Input[str]],
    opts: ResourceOptions,
) -> aws.cloudfront.ResponseHeadersPolicy:
    """The security headers, of pages that connect to these URLs."""
    content_security_policy = pulumi.Output.all(*connects_to).apply(headers.content_security_policy)
    return aws.cloudfront.ResponseHeadersPolicy(
        f"{name}-headers",
        name=physical_name,
        security_headers_config={
            "content_security_policy": {
                "content_security_policy": content_security_policy,
                "override": True,
            },
            "content_type_options": {"override": True},
            "referrer_policy": {"referrer_policy": headers.REFERRER_POLICY, "override": True},
            "strict_transport_security": {
                "access_control_max_age_sec": headers.STRICT_TRANSPORT_SECURITY_SECONDS,
                "override": True,
            },
        },
        custom_headers_config={
            "items": [
                {"header": header, "value": value, "override": True}
                for header, value in headers.OTHER_HEADERS.items()
            ]
        },
        opts=opts,
    )


def create_distribution(
    name: str,
    *,
    physical_name: str,
    bucket: PrivateBucket,
    headers_policy_id: pulumi.Input[str],
    domain_name: str,
    certificate_arn: pulumi.Input[str] | None,
    opts: ResourceOptions,
) -> aws.cloudfront.Distribution:
    """`domain_name`: of its own, with its certificate; empty for CloudFront's."""
    access = aws.cloudfront.OriginAccessControl(
        f"{name}-access",
        name=physical_name,
        origin_access_control_origin_type="s3",
        signing_behavior="always",
        signing_protocol="sigv4",
        opts=opts,
    )
    certificate: aws.cloudfront.DistributionViewerCertificateArgsDict = (
        {"cloudfront_default_certificate": True}
        if certificate_arn is None
        else {
            "acm_certificate_arn": certificate_arn,
            "minimum_protocol_version": TLS_POLICY,
            "ssl_support_method": "sni-only",
        }
    )
    return aws.cloudfront.Distribution(
        f"{name}-distribution",
        comment=physical_name,
        enabled=True,
        is_ipv6_enabled=True,
        http_version="http2and3",
        price_class="PriceClass_All",
        aliases=[domain_name] if domain_name else None,
        default_root_object=INDEX,
        origins=[
            {
                "origin_id": ORIGIN,
                "domain_name": bucket.regional_domain_name,
                "origin_access_control_id": access.id,
            }
        ],
        default_cache_behavior={
            "target_origin_id": ORIGIN,
            "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
            "compress": True,
            "cache_policy_id": CACHING_OPTIMIZED,
            "response_headers_policy_id": headers_policy_id,
        },
        # S3 answers 403 for what is not there to those who may not list the bucket.
        custom_error_responses=[
            {
                "error_code": code,
                "response_code": 404,
                "response_page_path": f"/{NOT_FOUND}",
                "error_caching_min_ttl": NOT_FOUND_SECONDS,
            }
            for code in (403, 404)
        ],
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate=certificate,
        opts=opts,
    )
