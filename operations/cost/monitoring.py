"""What a stack uses of CloudWatch, and of X-Ray, SNS and KMS for its monitoring."""

from collections.abc import Iterator

from operations.cost.month import Month
from operations.cost.prices import Usage
from operations.cost.serving import BYTES_PER_GB

DAYS_PER_MONTH = 30


def monitoring(month: Month) -> Iterator[Usage]:
    """Logs, metrics, alarms, dashboard, traces, and the alarm topic with its key."""
    facts, assumed = month.facts, month.assumptions
    invocations = sum(month.invocations.values())
    per_invocation = assumed.platform_log_bytes
    if facts.function_lines:
        per_invocation += assumed.function_log_bytes
    gigabytes = {
        "function logs": invocations * per_invocation / BYTES_PER_GB,
        "access log": (month.received_messages + 2 * month.connections)
        * (assumed.access_log_bytes if facts.access_logs else 0)
        / BYTES_PER_GB,
    }
    counts = {
        "alarms": (facts.alarm_metrics, "alarm-metric"),
        "custom metrics": (facts.own_metrics, "custom-metric"),
        "route metrics": (facts.measured_routes * assumed.metrics_per_route, "custom-metric"),
        "dashboard": (facts.dashboards, "dashboard"),
    }
    for driver, quantity in gigabytes.items():
        yield Usage(service="CloudWatch", driver=driver, quantity=quantity, price="logs-ingested")
    yield Usage(
        service="CloudWatch",
        driver=f"logs stored for {facts.log_retention_days} days",
        quantity=sum(gigabytes.values()) * facts.log_retention_days / DAYS_PER_MONTH,
        price="logs-stored",
    )
    for driver, (number, price) in counts.items():
        yield Usage(service="CloudWatch", driver=driver, quantity=number, price=price)
    yield Usage(
        service="X-Ray",
        driver="traces",
        quantity=sum(map(month.traces_of, month.invocations)) if facts.tracing else 0,
        price="xray-trace",
    )
    yield Usage(
        service="SNS",
        driver="alarm emails",
        quantity=assumed.mails if facts.alarm_mails else 0,
        price="sns-mail",
    )
    yield Usage(
        service="KMS", driver="key of the alarm topic", quantity=facts.keys, price="kms-key"
    )
