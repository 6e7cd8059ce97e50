"""The inputs that the tree shows for each resource type."""

import json
from typing import Any

from operations.plan.recording import Resource
from operations.plan.wording import shortened

# By short type: paths into the inputs. The first path is the name's, or "" if there is none. Inputs
# that a resource does not set are not shown.
SHOWN: dict[str, tuple[str, ...]] = {
    "Provider": ("", "region"),
    "acm.Certificate": ("domainName", "validationMethod"),
    "apigatewayv2.Api": ("name", "routeSelectionExpression"),
    "apigatewayv2.ApiMapping": ("domainName", "stage"),
    "apigatewayv2.Authorizer": ("name", "authorizerType"),
    "apigatewayv2.DomainName": ("domainName",),
    "apigatewayv2.Integration": ("", "timeoutMilliseconds"),
    "apigatewayv2.Route": (
        "routeKey",
        "authorizationType",
        "routeResponseSelectionExpression",
    ),
    "apigatewayv2.RouteResponse": ("routeResponseKey",),
    "apigatewayv2.Stage": (
        "name",
        "defaultRouteSettings.throttlingRateLimit",
        "defaultRouteSettings.throttlingBurstLimit",
    ),
    "cloudfront.Distribution": ("comment", "aliases", "priceClass"),
    "cloudwatch.Dashboard": ("dashboardName",),
    "cloudwatch.EventRule": ("name", "scheduleExpression", "state"),
    "cloudwatch.EventTarget": ("targetId", "arn"),
    "cloudwatch.LogGroup": ("name", "retentionInDays"),
    "cloudwatch.MetricAlarm": (
        "name",
        "metricName",
        "threshold",
        "period",
        "treatMissingData",
    ),
    "cognito.UserPool": ("name", "deletionProtection"),
    "cognito.UserPoolClient": ("name", "explicitAuthFlows", "callbackUrls"),
    "cognito.UserPoolDomain": ("domain",),
    "dynamodb.Table": (
        "name",
        "hashKey",
        "deletionProtectionEnabled",
        "pointInTimeRecovery.enabled",
    ),
    "iam.Role": ("name",),
    "iam.RolePolicy": ("name", "policy"),
    "iam.RolePolicyAttachment": ("policyArn",),
    "kms.Alias": ("name",),
    "kms.Key": ("", "enableKeyRotation"),
    "lambda.Alias": ("functionName", "name"),
    "lambda.EventSourceMapping": ("eventSourceArn", "batchSize"),
    "lambda.Function": (
        "name",
        "runtime",
        "memorySize",
        "timeout",
        "reservedConcurrentExecutions",
    ),
    "lambda.FunctionEventInvokeConfig": (
        "functionName",
        "qualifier",
        "maximumRetryAttempts",
        "maximumEventAgeInSeconds",
    ),
    "lambda.LayerVersion": ("layerName", "compatibleRuntimes", "compatibleArchitectures"),
    "lambda.Permission": ("function", "qualifier", "principal", "sourceArn"),
    "route53.Record": ("name", "type"),
    "s3.Bucket": ("bucket",),
    "s3.BucketObjectv2": ("key", "cacheControl"),
    "s3.BucketPolicy": ("", "policy"),
    "sns.Topic": ("name",),
    "sns.TopicPolicy": ("", "policy"),
    "sns.TopicSubscription": ("protocol", "endpoint"),
    "sqs.Queue": (
        "name",
        "delaySeconds",
        "messageRetentionSeconds",
        "visibilityTimeoutSeconds",
    ),
    "sqs.QueuePolicy": ("", "policy"),
}


def shown_inputs(resource: Resource) -> str:
    """Text such as `live-sessions-staging-fan-out, memorySize 1024, timeout 60`; may be empty."""
    paths = SHOWN.get(resource.short_type, ("name",))
    found = [(path, _at(resource.inputs, path)) for path in paths]
    shown = [_shown(path, value, is_name=path == paths[0]) for path, value in found if value != ""]
    return ", ".join([*shown, *sorted(resource.options.keys() - {"provider"})])


def _at(inputs: dict[str, Any], path: str) -> Any:
    value: Any = inputs
    for key in path.split("."):
        value = value.get(key, "") if isinstance(value, dict) else ""
    return value


def _shown(path: str, value: Any, *, is_name: bool) -> str:
    if path == "policy":
        return f"statements {_statements(value)}"
    text = " ".join(map(str, value)) if isinstance(value, list) else value
    text = shortened(text) if isinstance(text, str) else json.dumps(text)
    return text if is_name else f"{path.removesuffix('.enabled').rpartition('.')[2]} {text}"


def _statements(policy: str) -> str:
    """The Sids of the statements; for a statement without one, its actions."""
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        return shortened(str(policy))
    if isinstance(statements, dict):
        statements = [statements]
    named = (each.get("Sid") or each.get("Action") or "" for each in statements)
    return " ".join(each if isinstance(each, str) else " ".join(each) for each in named)
