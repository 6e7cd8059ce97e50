"""The price list, and the usage that is multiplied with it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TABLE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, kw_only=True)
class Price:
    """`dollars` for each `per` of `unit`; `source` is AWS's page.

    `seen_at` is where the figure was read, or empty: then it is not confirmed.
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
        """Whether the figure itself was read somewhere."""
        return bool(self.seen_at)

    def of(self, quantity: float) -> float:
        """Dollars for so many of the unit."""
        return quantity * self.dollars / self.per


@dataclass(frozen=True, kw_only=True)
class Prices:
    """All prices by name, and the Region for which they hold."""

    region: str
    by_name: Mapping[str, Price]

    @property
    def looked_up(self) -> date:
        """When the oldest of them was looked up."""
        return min(price.looked_up for price in self.by_name.values())


def prices(table: Path = TABLE) -> Prices:
    """Reads the table; raises `TypeError` for a row that lacks something."""
    content = tomllib.loads(table.read_text())
    region = content.pop("region")
    return Prices(
        region=region, by_name={name: Price(name=name, **row) for name, row in content.items()}
    )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`price` is the name of a row in the table of prices, in whose unit the quantity is."""

    service: str
    driver: str
    quantity: float
    price: str
