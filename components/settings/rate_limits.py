"""How often clients may ask for something."""

from dataclasses import dataclass

from components.settings.checks import WholeNumber
from components.settings.config_fields import setting

MAXIMUM = 1_000_000


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """What one user, source address or connection may do within an hour or minute of the clock.

    A speaker's chunks are counted by the second; a chunk holds 0.75 s of speech at most, so speech
    needs 2.
    """

    sessions_per_user_per_hour: int = setting(WholeNumber(1, MAXIMUM, "sessions"))
    joins_per_address_per_minute: int = setting(WholeNumber(1, MAXIMUM, "joins"))
    connections_per_address_per_minute: int = setting(WholeNumber(1, MAXIMUM, "connections"))
    controls_per_connection_per_minute: int = setting(WholeNumber(1, MAXIMUM, "controls"))
    status_queries_per_speaker_per_minute: int = setting(WholeNumber(1, MAXIMUM, "queries"))
    audio_chunks_per_second: int = setting(WholeNumber(2, 1_000, "chunks"))
