"""The estimate: usage times prices, the most expensive first."""

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
    tables.tables,
    monitoring.monitoring,
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One driver of the bill and its dollars a month."""

    usage: Usage
    price: Price

    @property
    def dollars(self) -> float:
        """A month's."""
        return self.price.of(self.usage.quantity)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`lines` without those that cost nothing, the most expensive first."""

    month: Month
    prices: Prices
    lines: tuple[Line, ...]

    @property
    def dollars(self) -> float:
        """A month's, of all lines."""
        return sum(line.dollars for line in self.lines)

    @property
    def dollars_per_session_hour(self) -> float:
        """The month's, shared by the hours of all sessions."""
        return self.dollars / self.month.load.session_hours

    @property
    def by_service(self) -> dict[str, float]:
        """Dollars a month, the most expensive service first."""
        services: dict[str, float] = {}
        for line in self.lines:
            services[line.usage.service] = services.get(line.usage.service, 0) + line.dollars
        return dict(sorted(services.items(), key=lambda item: -item[1]))

    @property
    def unconfirmed(self) -> tuple[Price, ...]:
        """The prices that it rests on and that nobody has seen."""
        used = {line.price.name: line.price for line in self.lines}
        return tuple(price for price in used.values() if not price.is_confirmed)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the stack's own limits do not allow the load."""
        load, facts = self.month.load, self.month.facts
        found: list[str] = []
        if load.listeners > facts.maximum_listeners:
            found.append(
                f"maxListenersPerSession is {facts.maximum_listeners}: {load.listeners} listeners"
                " do not get in"
            )
        if facts.takes_audio and load.speaking_share and load.sessions > facts.audio_slots:
            found.append(
                f"audioSlots is {facts.audio_slots}: of {load.sessions} sessions no more speak at"
                " once; the estimate is for all"
            )
        return tuple(found)


def estimate(
    load: Load, facts: StackFacts, prices: Prices, assumptions: Assumptions | None = None
) -> Estimate:
    """What the load costs on the stack."""
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
