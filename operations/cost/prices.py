"""The price list, and the usage by which its prices are multiplied."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TABLE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, kw_only=True)
class Price:
    """`dollars` for every `per` units; `source` is AWS's pricing page.

    `seen_at` is the page on which the figure was read; if empty, the figure is unconfirmed.
    """

    name: str
    dollars: float
    per: int
    unit: str
    looked_up: date
    source: str
    seen_at: str

    @property
    def is_confirmed(self) -> bool:
        """Whether a page confirms the figure."""
        return bool(self.seen_at)

    def of(self, quantity: float) -> float:
        """Dollars for a quantity in `unit`."""
        return quantity * self.dollars / self.per


@dataclass(frozen=True, kw_only=True)
class Prices:
    """All prices by name, and their Region."""

    region: str
    by_name: Mapping[str, Price]

    @property
    def looked_up(self) -> date:
        """The date of the oldest price."""
        return min(price.looked_up for price in self.by_name.values())


def prices(table: Path = TABLE) -> Prices:
    """Read the price list; raises `TypeError` for a row with a missing field."""
    content = tomllib.loads(table.read_text())
    region = content.pop("region")
    return Prices(
        region=region, by_name={name: Price(name=name, **row) for name, row in content.items()}
    )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A month's quantity of one cost driver, in the unit of the price named `price`."""

    service: str
    driver: str
    quantity: float
    price: str
