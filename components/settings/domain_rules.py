"""The name under which clients find the API, if not API Gateway's own."""

from dataclasses import dataclass

from components.settings.checks import Text
from components.settings.config_fields import setting


@dataclass(frozen=True, kw_only=True)
class DomainRules:
    """`certificate_arn`: empty to have one made; `hosted_zone_id`: empty to keep DNS elsewhere."""

    domain_name: str = setting(
        Text(
            r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
            "a domain name in lower case such as live.example.com",
            optional=True,
        )
    )
    certificate_arn: str = setting(
        Text(
            r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}",
            "the ARN of a certificate of ACM, of the stack's own Region",
            optional=True,
        )
    )
    hosted_zone_id: str = setting(
        Text(r"Z[0-9A-Z]{1,31}", "the id of a Route 53 hosted zone such as Z0123456789", True)
    )
