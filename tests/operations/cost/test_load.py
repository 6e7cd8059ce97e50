"""An invalid load is refused with the option, its value and the rule."""

import re
import shlex
from pathlib import Path

import pytest

from operations.cost.__main__ import command_line
from operations.cost.load import Load, LoadError
from tests.operations.cost.worked import load

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sessions": 0}, "--sessions is 0: concurrent sessions must be between 1 and 10000"),
        ({"listeners": -1}, "--listeners is -1: listeners per session must be between 0 and 10000"),
        ({"hours": 745}, "--hours is 745: hours of the month in which the sessions run must be"),
        ({"captions_per_minute": -3}, "--captions-per-minute is -3: final captions per minute"),
        ({"speaking_share": 1.5}, "--speaking-share is 1.5: share of a session during which the"),
        ({"premium_share": 80}, "--premium-share is 80: share of premium sessions must"),
        ({"chunks_per_second": 1}, "--chunks-per-second is 1: audio chunks per second"),
        ({"speakers": 0}, "--speakers is 0: speakers who are active in the month"),
        ({"hours": float("nan")}, "--hours is nan"),
        ({"listeners": 4}, "--languages is 5, but there are 4 listeners"),
        (
            {"session_minutes": 90},
            "--session-minutes is 90, but --hours allows only 60 minutes",
        ),
    ],
)
def test_an_invalid_load_is_reported(change: dict[str, float], message: str):
    with pytest.raises(LoadError) as refused:
        load(**change)
    assert str(refused.value).startswith(message)


def test_the_limits_themselves_are_valid():
    assert load(sessions=10_000, hours=744, speaking_share=0).session_hours == 7_440_000
    assert load(listeners=0, languages=0).languages == 0


def test_options_with_defaults_may_be_omitted():
    plain = Load(sessions=1, listeners=10, hours=2, captions_per_minute=20)
    assert plain.chunks_per_second == 10
    assert plain.languages == 5


@pytest.mark.parametrize("page", ["README.md", "Makefile", "docs/operations.md"])
def test_the_commands_in_the_documentation_are_valid(page: str) -> None:
    shown = re.findall(r"COST='([^']+)'", (ROOT / page).read_text())
    assert shown
    for arguments in shown:
        asked = command_line().parse_args(shlex.split(arguments))
        assert asked.sessions > 0
