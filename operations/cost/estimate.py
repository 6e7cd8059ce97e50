"""The estimate: usage multiplied by prices, the most expensive first."""

from dataclasses import dataclass

from operations.cost import monitoring, serving, tables
from operations.cost.assumptions import Assumptions
from operations.cost.load import Load
from operations.cost.month import Month
from operations.cost.prices import Price, Prices, Usage
from operations.cost.stack_facts import StackFacts

PARTS = (
    serving.gateway,
    serving.functions,
    serving.queues,
    serving.events,
    serving.speech,
    serving.users,
    serving.pages,
    tables.tables,
    monitoring.monitoring,
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One cost driver and its price."""

    usage: Usage
    price: Price

    @property
    def dollars(self) -> float:
        """Dollars per month."""
        return self.price.of(self.usage.quantity)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`lines` are sorted by cost, the highest first, and exclude those that cost nothing."""

    month: Month
    prices: Prices
    lines: tuple[Line, ...]

    @property
    def dollars(self) -> float:
        """Dollars per month, of all lines."""
        return sum(line.dollars for line in self.lines)

    @property
    def dollars_per_session_hour(self) -> float:
        """The monthly total divided by the hours of all sessions."""
        return self.dollars / self.month.load.session_hours

    @property
    def by_service(self) -> dict[str, float]:
        """Dollars per month and service, the most expensive first."""
        services: dict[str, float] = {}
        for line in self.lines:
            services[line.usage.service] = services.get(line.usage.service, 0) + line.dollars
        return dict(sorted(services.items(), key=lambda item: -item[1]))

    @property
    def unconfirmed(self) -> tuple[Price, ...]:
        """The prices used that no page confirms."""
        used = {line.price.name: line.price for line in self.lines}
        return tuple(price for price in used.values() if not price.is_confirmed)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The parts of the load that the stack's own limits do not allow."""
        load, facts = self.month.load, self.month.facts
        found: list[str] = []
        if load.listeners > facts.maximum_listeners:
            found.append(
                f"maxListenersPerSession is {facts.maximum_listeners}, so {load.listeners}"
                " listeners cannot join"
            )
        if facts.takes_audio and load.speaking_share and load.sessions > facts.audio_slots:
            found.append(
                f"audioSlots is {facts.audio_slots}, so not all of {load.sessions} sessions can"
                " have audio at the same time; the estimate assumes that they do"
            )
        return tuple(found)


def estimate(
    load: Load, facts: StackFacts, prices: Prices, assumptions: Assumptions | None = None
) -> Estimate:
    """Estimate what the load costs on the stack."""
    month = Month(load=load, facts=facts, assumptions=assumptions or Assumptions())
    lines = [
        Line(usage=usage, price=prices.by_name[usage.price])
        for part in PARTS
        for usage in part(month)
    ]
    return Estimate(
        month=month,
        prices=prices,
        lines=tuple(
            sorted((line for line in lines if line.dollars), key=lambda line: -line.dollars)
        ),
    )
