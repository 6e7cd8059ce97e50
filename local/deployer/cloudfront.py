"""CloudFront distributions, how they read their buckets, and the headers that they send."""

from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource


def create_access_control(account: Account, resource: Resource) -> Created:
    created = account.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig=resource.request()
    )
    return Created(id=created["OriginAccessControl"]["Id"], outputs={"etag": created["ETag"]})


def create_headers_policy(account: Account, resource: Resource) -> Created:
    created = account.client("cloudfront").create_response_headers_policy(
        ResponseHeadersPolicyConfig=_headers_config(resource)
    )
    return Created(id=created["ResponseHeadersPolicy"]["Id"], outputs={"etag": created["ETag"]})


def update_headers_policy(account: Account, resource: Resource) -> Created:
    """It is found by its name, which is unique."""
    client, config = account.client("cloudfront"), _headers_config(resource)
    listed = client.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    policies = [each["ResponseHeadersPolicy"] for each in listed["Items"]]
    ids = [
        each["Id"]
        for each in policies
        if each["ResponseHeadersPolicyConfig"]["Name"] == config["Name"]
    ]
    etag = client.get_response_headers_policy(Id=ids[0])["ETag"]
    updated = client.update_response_headers_policy(
        Id=ids[0], IfMatch=etag, ResponseHeadersPolicyConfig=config
    )
    return Created(id=ids[0], outputs={"etag": updated["ETag"]})


def create_distribution(account: Account, resource: Resource) -> Created:
    client, inputs = account.client("cloudfront"), resource.inputs
    behavior = inputs["defaultCacheBehavior"]
    config: dict[str, Any] = {
        "CallerReference": resource.name,
        "Comment": inputs["comment"],
        "Enabled": inputs["enabled"],
        "IsIPV6Enabled": inputs["isIpv6Enabled"],
        "HttpVersion": inputs["httpVersion"],
        "PriceClass": inputs["priceClass"],
        "DefaultRootObject": inputs["defaultRootObject"],
        "Aliases": _items(inputs.get("aliases", [])),
        "Origins": _items(
            [
                {
                    "Id": origin["originId"],
                    "DomainName": origin["domainName"],
                    "OriginAccessControlId": origin["originAccessControlId"],
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
                for origin in inputs["origins"]
            ]
        ),
        "DefaultCacheBehavior": {
            "TargetOriginId": behavior["targetOriginId"],
            "ViewerProtocolPolicy": behavior["viewerProtocolPolicy"],
            "AllowedMethods": {
                **_items(behavior["allowedMethods"]),
                "CachedMethods": _items(behavior["cachedMethods"]),
            },
            "Compress": behavior["compress"],
            "CachePolicyId": behavior["cachePolicyId"],
            "ResponseHeadersPolicyId": behavior["responseHeadersPolicyId"],
        },
        "CustomErrorResponses": _items(
            [
                {
                    "ErrorCode": each["errorCode"],
                    "ResponseCode": str(each["responseCode"]),
                    "ResponsePagePath": each["responsePagePath"],
                    "ErrorCachingMinTTL": each["errorCachingMinTtl"],
                }
                for each in inputs["customErrorResponses"]
            ]
        ),
    }
    created = client.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": config,
            "Tags": {"Items": resource.tag_list},
        }
    )["Distribution"]
    return Created(
        id=created["Id"],
        outputs={
            "arn": created["ARN"],
            "domainName": created["DomainName"],
            "status": created["Status"],
            "tagsAll": resource.tags,
        },
    )


def _headers_config(resource: Resource) -> dict[str, Any]:
    request = resource.request()
    return {**request, "CustomHeadersConfig": _items(request["CustomHeadersConfig"]["Items"])}


def _items(items: list[Any]) -> dict[str, Any]:
    """A list as CloudFront's API has it."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


KINDS = {
    "aws:cloudfront/distribution:Distribution": Kind(create_distribution),
    "aws:cloudfront/originAccessControl:OriginAccessControl": Kind(create_access_control),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Kind(
        create_headers_policy, update=update_headers_policy
    ),
}
