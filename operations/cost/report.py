"""The estimate as text and as JSON."""

from typing import Any

from operations.cost.estimate import Estimate, Line
from operations.cost.load import option, options
from operations.cost.serving import requests_per_second

LEAST_SHOWN_DOLLARS = 0.005


def as_text(estimate: Estimate) -> str:
    """A table of cost drivers, the totals, and the assumptions."""
    load, facts = estimate.month.load, estimate.month.facts
    shown = [line for line in estimate.lines if line.dollars >= LEAST_SHOWN_DOLLARS]
    rest = sum(line.dollars for line in estimate.lines) - sum(line.dollars for line in shown)
    stated = ", ".join(
        f"{option(name)} {value:g}" for name in options() if (value := getattr(load, name))
    )
    text = [
        f"A month of {facts.stack} with {stated}",
        "",
        f"{'dollars':>12}  {'service':<14} {'driver':<36} quantity",
        *(_row(line) for line in shown),
        f"{rest:>12,.2f}  all drivers under one cent each",
        f"{estimate.dollars:>12,.2f}  per month",
        f"{estimate.dollars_per_session_hour:>12,.4f}  per session hour,"
        f" of {load.session_hours:,.0f}",
        "",
        "By service: "
        + ", ".join(f"{name} {dollars:,.2f}" for name, dollars in estimate.by_service.items()),
        f"API Gateway: {requests_per_second(estimate.month):,.0f} messages per second on average"
        " while sessions run; the quota is 10,000 requests per second for the account and Region.",
        *(f"Warning: {warning}." for warning in estimate.warnings),
        "",
        f"List prices of {estimate.prices.region}, in US dollars, looked up on"
        f" {estimate.prices.looked_up} (sources in operations/cost/prices.toml); without free tier,"
        " discounts and tax, always at the first tier of a tiered price.",
    ]
    if facts.region != estimate.prices.region:
        text.append(f"The stack is in {facts.region}, where prices differ.")
    if estimate.unconfirmed:
        names = ", ".join(price.name for price in estimate.unconfirmed)
        text.append(f"* Unconfirmed prices: {names}.")
    text += ["", "Assumptions:", *(f"- {each}" for each in estimate.month.assumptions.sentences())]
    return "\n".join(text)


def _row(line: Line) -> str:
    star = "" if line.price.is_confirmed else " *"
    driver = f"{line.usage.driver}{star}"
    return (
        f"{line.dollars:>12,.2f}  {line.usage.service:<14} {driver:<36}"
        f" {_number(line.usage.quantity)} {line.price.unit}"
    )


def _number(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 10 else f"{quantity:.3g}"


def as_json(estimate: Estimate) -> dict[str, Any]:
    """The estimate with every line, unrounded."""
    load, facts = estimate.month.load, estimate.month.facts
    return {
        "stack": facts.stack,
        "stackRegion": facts.region,
        "load": {name: getattr(load, name) for name in options()},
        "dollarsPerMonth": estimate.dollars,
        "dollarsPerSessionHour": estimate.dollars_per_session_hour,
        "dollarsByService": estimate.by_service,
        "messagesPerSecond": requests_per_second(estimate.month),
        "warnings": list(estimate.warnings),
        "prices": {
            "region": estimate.prices.region,
            "lookedUp": estimate.prices.looked_up.isoformat(),
            "unconfirmed": [price.name for price in estimate.unconfirmed],
        },
        "assumptions": estimate.month.assumptions.sentences(),
        "lines": [
            {
                "service": line.usage.service,
                "driver": line.usage.driver,
                "dollars": line.dollars,
                "quantity": line.usage.quantity,
                "unit": line.price.unit,
                "price": line.price.name,
                "confirmed": line.price.is_confirmed,
                "source": line.price.source,
            }
            for line in estimate.lines
        ],
    }
