"""Costs calculated by hand, their order, and the warnings."""

from typing import Any

import pytest

from operations.cost.estimate import Estimate, estimate
from operations.cost.prices import prices
from operations.cost.report import as_json, as_text
from tests.operations.cost.worked import facts, load


def made(on: Any = None, **changes: Any) -> Estimate:
    return estimate(load(**changes), on or facts(), prices())


def dollars(of: Estimate, driver: str) -> float:
    return sum(line.dollars for line in of.lines if line.usage.driver == driver)


def test_an_hour_of_speech_costs_its_list_price():
    hour = made()
    assert dollars(hour, "speech") == pytest.approx(1.44)
    assert dollars(hour, "captions, per language") == pytest.approx(4.05)
    assert dollars(hour, "captions to listeners") == pytest.approx(0.12)
    assert dollars(hour, "audio from speakers") == pytest.approx(0.036)
    assert dollars(hour, "audio through the slot queues") == pytest.approx(0.0288)
    assert dollars(hour, "audio_processor, GB-s") == pytest.approx(0.048, rel=0.001)


def test_a_month_of_ticks_costs_less_than_a_dollar():
    ticks = 87_600
    hour = made()
    assert dollars(hour, "session_status, requests") == pytest.approx(17 * ticks * 0.2e-6)
    assert dollars(hour, "ticks, reads") == pytest.approx(8 * ticks * 0.125e-6)
    every_tick = ("session_status, requests", "session_status, GB-s", "ticks, reads")
    assert sum(dollars(hour, driver) for driver in every_tick) < 1


def test_ten_times_the_listeners_cost_ten_times_the_messages_but_the_same_translation():
    few, many = made(listeners=50), made(listeners=500)
    of_messages, of_characters = "captions to listeners", "captions, per language"
    assert dollars(many, of_messages) == pytest.approx(10 * dollars(few, of_messages))
    assert dollars(many, of_characters) == pytest.approx(dollars(few, of_characters))


def test_the_most_expensive_driver_is_first_and_the_total_is_the_sum():
    hour = made(sessions=20, hours=100)
    costs = [line.dollars for line in hour.lines]
    assert costs == sorted(costs, reverse=True)
    assert hour.lines[0].usage.service == "Translate"
    assert all(costs)
    assert hour.dollars == pytest.approx(sum(hour.by_service.values()))
    assert hour.dollars_per_session_hour == pytest.approx(hour.dollars / 2_000)
    assert next(iter(hour.by_service)) == "Translate"


def test_a_load_over_the_stacks_limits_gives_warnings():
    small = facts(audio_slots=5, maximum_listeners=200)
    warned = made(small, sessions=20, listeners=300).warnings
    assert len(warned) == 2
    assert "maxListenersPerSession is 200" in warned[0]
    assert "audioSlots is 5" in warned[1]
    assert made(small, sessions=5, listeners=200).warnings == ()
    assert made(small, sessions=20, speaking_share=0).warnings == ()


def test_the_report_lists_its_assumptions_and_unconfirmed_prices():
    text = as_text(made(facts(region="eu-central-1"), sessions=20, hours=100))
    first_row = text.splitlines()[3]
    assert first_row.split()[1] == "Translate"
    assert "us-east-1" in text
    assert "The stack is in eu-central-1, where prices differ." in text
    assert "without free tier" in text
    (names,) = [row for row in text.splitlines() if row.startswith("* Unconfirmed prices:")]
    assert "eventbridge-event" in names
    assert "translate-character" not in names
    rows = {row.split()[1]: row for row in text.splitlines() if row.startswith("   ")}
    assert " *" in rows["EventBridge"]
    assert " *" not in rows["Translate"]
    assert "Duration of an invocation in milliseconds:" in text
    assert "2026-" in text


def test_a_stack_in_the_price_lists_region_gets_no_note_about_prices():
    assert "where prices differ" not in as_text(made())


def test_the_json_has_every_line_unrounded_and_the_same_total():
    hour = made()
    document = as_json(hour)
    assert document["dollarsPerMonth"] == hour.dollars
    assert sum(line["dollars"] for line in document["lines"]) == pytest.approx(hour.dollars)
    assert len(document["lines"]) == len(hour.lines)
    assert {line["price"] for line in document["lines"] if not line["confirmed"]} == set(
        document["prices"]["unconfirmed"]
    )
