"""One thing that is paid for: how much of it a month has."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`price` is the name of a row in the table of prices, in whose unit the quantity is."""

    service: str
    driver: str
    quantity: float
    price: str
