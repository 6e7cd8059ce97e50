"""The price list: every row has its source and date, and is used."""

from datetime import date
from itertools import chain
from urllib.parse import urlsplit

import pytest

from operations.cost.estimate import PARTS
from operations.cost.prices import Price, prices
from operations.cost.stack_facts import Function
from tests.operations.cost.worked import facts, month


@pytest.mark.parametrize("price", prices().by_name.values(), ids=lambda price: price.name)
def test_a_price_has_its_unit_date_and_pricing_page(price: Price):
    assert price.dollars > 0
    assert price.per >= 1
    assert price.unit
    assert date(2026, 1, 1) <= price.looked_up
    assert urlsplit(price.source).hostname == "aws.amazon.com"
    assert urlsplit(price.source).scheme == "https"
    assert price.seen_at == price.seen_at.strip()


def test_every_price_is_used_and_none_is_missing():
    x86 = {"fan_out": Function(gigabytes=1, architecture="x86_64")}
    months = (month(), month(on=facts(functions=x86)), month(on=facts(web_pages=True)))
    used = {
        usage.price
        for usage in chain.from_iterable(part(each) for part in PARTS for each in months)
    }
    assert used == prices().by_name.keys()


def test_a_price_is_per_number_of_units():
    by_name = prices().by_name
    assert by_name["api-gateway-message"].of(3_000_000) == pytest.approx(3.00)
    assert by_name["kms-key"].of(2) == pytest.approx(2.00)
    assert by_name["sns-mail"].of(50_000) == pytest.approx(1.00)


def test_a_price_without_a_page_is_unconfirmed():
    assert prices().by_name["translate-character"].is_confirmed
    assert not prices().by_name["eventbridge-event"].is_confirmed


def test_a_row_without_a_date_is_refused(tmp_path):
    table = tmp_path / "prices.toml"
    table.write_text(
        'region = "us-east-1"\n[a]\ndollars = 1\nper = 1\nunit = "b"\nsource = ""\nseen_at = ""\n'
    )
    with pytest.raises(TypeError, match="looked_up"):
        prices(table)
