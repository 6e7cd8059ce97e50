"""What every session of a stack is held to."""

from dataclasses import dataclass

from components.settings.checks import WholeNumber
from components.settings.config_fields import setting

_DELAY_PAGE = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"
)


@dataclass(frozen=True, kw_only=True)
class SessionRules:
    """How many listen, how long a session and a lost speaker last, when a change is news."""

    max_listeners_per_session: int = setting(WholeNumber(1, 10_000, "listeners"))
    session_max_duration_hours: int = setting(WholeNumber(1, 24, "hours"))
    speaker_grace_seconds: int = setting(WholeNumber(1, 900, "seconds", _DELAY_PAGE))
    listener_count_change_threshold_percent: int = setting(WholeNumber(1, 100, "percent"))
