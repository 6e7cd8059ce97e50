"""The load on which an estimate is based."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

HOURS_PER_MONTH = 730
LONGEST_MONTH_HOURS = 744


class LoadError(ValueError):
    """An invalid load; the message names the option, its value and the rule."""


def _between(least: float, most: float, about: str, **default: Any) -> Any:
    return field(metadata={"least": least, "most": most, "about": about}, **default)


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load of a month; what describes a session applies to every session.

    Raises `LoadError`.
    """

    sessions: int = _between(1, 10_000, "concurrent sessions")
    listeners: int = _between(0, 10_000, "listeners per session")
    hours: float = _between(
        0.1, LONGEST_MONTH_HOURS, "hours of the month in which the sessions run"
    )
    captions_per_minute: float = _between(0, 120, "final captions per minute of speech")
    languages: int = _between(
        0, 75, "languages into which a session's captions are translated", default=5
    )
    speaking_share: float = _between(
        0, 1, "share of a session during which the speaker sends audio", default=0.8
    )
    chunks_per_second: float = _between(2, 1_000, "audio chunks per second", default=10)
    caption_characters: float = _between(1, 5_000, "characters per caption", default=45)
    premium_share: float = _between(0, 1, "share of premium sessions", default=0)
    partials_per_caption: float = _between(
        0, 100, "partial captions before each final one, in sessions that have them", default=4
    )
    session_minutes: float = _between(1, 1_440, "duration of a session in minutes", default=60)
    controls_per_session: float = _between(
        0, 10_000, "controls (pause, mute and so on) per session", default=10
    )
    heartbeat_minutes: float = _between(0.1, 10, "minutes between a client's heartbeats", default=1)
    speakers: int | None = _between(
        1,
        10_000_000,
        "speakers who are active in the month (default: as many as sessions)",
        default=None,
    )

    def __post_init__(self) -> None:
        for each in options().values():
            value = getattr(self, each.name)
            least, most = each.metadata["least"], each.metadata["most"]
            if value is not None and not least <= value <= most:
                raise LoadError(
                    f"{option(each.name)} is {value:g}: {each.metadata['about']} must be between"
                    f" {least:g} and {most:g}"
                )
        if self.languages > self.listeners:
            raise LoadError(
                f"--languages is {self.languages}, but there are {self.listeners} listeners:"
                " each language needs a listener; lower one or raise the other"
            )
        if self.hours * 60 < self.session_minutes:
            raise LoadError(
                f"--session-minutes is {self.session_minutes:g}, but --hours allows only"
                f" {self.hours * 60:g} minutes in the whole month; lower one or raise the other"
            )

    @property
    def session_hours(self) -> float:
        """The hours of all sessions together."""
        return self.sessions * self.hours


def options() -> Mapping[str, Field[Any]]:
    """The fields of `Load` by name."""
    return {each.name: each for each in fields(Load)}


def is_required(each: Field[Any]) -> bool:
    """Whether the field has no default."""
    return each.default is MISSING


def option(name: str) -> str:
    """The field's option, such as `--session-minutes`."""
    return f"--{name.replace('_', '-')}"
