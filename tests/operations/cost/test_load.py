"""A load that cannot be is refused with the option, its value and the rule."""

import re
import shlex
from pathlib import Path

import pytest

from operations.cost.__main__ import command_line
from operations.cost.load import Load, LoadError
from tests.operations.cost.worked import load

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sessions": 0}, "--sessions is 0: sessions at once must be from 1 to 10000"),
        ({"listeners": -1}, "--listeners is -1: listeners of a session must be from 0 to 10000"),
        ({"hours": 745}, "--hours is 745: hours of the month with so many sessions must be from"),
        ({"captions_per_minute": -3}, "--captions-per-minute is -3: finished captions a minute"),
        ({"speaking_share": 1.5}, "--speaking-share is 1.5: share of a session in which its"),
        ({"premium_share": 80}, "--premium-share is 80: share of sessions that are premium must"),
        ({"chunks_per_second": 1}, "--chunks-per-second is 1: chunks that a second of audio"),
        ({"speakers": 0}, "--speakers is 0: people who speak in the month"),
        ({"hours": float("nan")}, "--hours is nan"),
        ({"listeners": 4}, "--languages is 5, but there are 4 listeners"),
        (
            {"session_minutes": 90},
            "--session-minutes is 90, but --hours says that sessions run for",
        ),
    ],
)
def test_a_load_that_cannot_be_is_named(change: dict[str, float], told: str):
    with pytest.raises(LoadError) as refused:
        load(**change)
    assert str(refused.value).startswith(told)


def test_the_bounds_themselves_are_loads():
    assert load(sessions=10_000, hours=744, speaking_share=0).session_hours == 7_440_000
    assert load(listeners=0, languages=0).languages == 0


def test_what_has_a_default_need_not_be_said():
    plain = Load(sessions=1, listeners=10, hours=2, captions_per_minute=20)
    assert plain.chunks_per_second == 10
    assert plain.languages == 5


@pytest.mark.parametrize("page", ["README.md", "Makefile", "docs/operations.md"])
def test_the_commands_that_pages_show_are_taken(page: str) -> None:
    shown = re.findall(r"COST='([^']+)'", (ROOT / page).read_text())
    assert shown
    for arguments in shown:
        asked = command_line().parse_args(shlex.split(arguments))
        assert asked.sessions > 0
