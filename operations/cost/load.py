"""The load that an estimate is for, in words of the product."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

HOURS_PER_MONTH = 730
LONGEST_MONTH_HOURS = 744


class LoadError(ValueError):
    """A load that cannot be; the message names the option, its value and the rule."""


def _between(least: float, most: float, about: str, **default: Any) -> Any:
    return field(metadata={"least": least, "most": most, "about": about}, **default)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Raises `LoadError`. What is said of a session holds for each."""

    sessions: int = _between(1, 10_000, "sessions at once")
    listeners: int = _between(0, 10_000, "listeners of a session")
    hours: float = _between(0.1, LONGEST_MONTH_HOURS, "hours of the month with so many sessions")
    captions_per_minute: float = _between(0, 120, "finished captions a minute of speech")
    languages: int = _between(
        0, 75, "languages that a session's captions are translated into", default=5
    )
    speaking_share: float = _between(
        0, 1, "share of a session in which its speaker sends audio", default=0.8
    )
    chunks_per_second: float = _between(
        2, 1_000, "chunks that a second of audio is sent in", default=10
    )
    caption_characters: float = _between(1, 5_000, "characters of a caption", default=45)
    premium_share: float = _between(0, 1, "share of sessions that are premium", default=0)
    partials_per_caption: float = _between(
        0, 100, "partial captions before each finished one, where there are any", default=4
    )
    session_minutes: float = _between(1, 1_440, "minutes that a session lasts", default=60)
    controls_per_session: float = _between(
        0, 10_000, "times that a speaker pauses, mutes or the like", default=10
    )
    heartbeat_minutes: float = _between(
        0.1, 10, "minutes between two heartbeats of a client", default=5
    )
    speakers: int | None = _between(
        1, 10_000_000, "people who speak in the month (default: as many as sessions)", default=None
    )

    def __post_init__(self) -> None:
        for each in options().values():
            value = getattr(self, each.name)
            least, most = each.metadata["least"], each.metadata["most"]
            if value is not None and not least <= value <= most:
                raise LoadError(
                    f"{option(each.name)} is {value:g}: {each.metadata['about']} must be from"
                    f" {least:g} to {most:g}"
                )
        if self.languages > self.listeners:
            raise LoadError(
                f"--languages is {self.languages}, but there are {self.listeners} listeners:"
                " nothing is translated for nobody; lower one or raise the other"
            )
        if self.hours * 60 < self.session_minutes:
            raise LoadError(
                f"--session-minutes is {self.session_minutes:g}, but --hours says that sessions run"
                f" for {self.hours * 60:g} minutes in the whole month; lower one or raise the other"
            )

    @property
    def session_hours(self) -> float:
        """Of all sessions together."""
        return self.sessions * self.hours


def options() -> Mapping[str, Field[Any]]:
    """The load's fields by name."""
    return {each.name: each for each in fields(Load)}


def is_required(each: Field[Any]) -> bool:
    """Whether a field has no default."""
    return each.default is MISSING


def option(name: str) -> str:
    """A field's name on the command line."""
    return f"--{name.replace('_', '-')}"
