"""How many speak at once, and what becomes of words that may still change."""

from dataclasses import dataclass

from components.settings.checks import Choice, WholeNumber
from components.settings.config_fields import setting

# The policy of a role that names each slot's queue holds 10,240 characters at most, also where
# names are as long as they can be: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAXIMUM_SLOTS = 75


@dataclass(frozen=True, kw_only=True)
class AudioRules:
    """`audio_slots`: sessions that may speak at once, each with a Transcribe stream.

    `partial_captions`: whose listeners see words before their sentence has ended;
    `partial_results_stability`: how early Transcribe stops changing them.
    """

    audio_slots: int = setting(WholeNumber(1, MAXIMUM_SLOTS, "slots"))
    partial_captions: str = setting(Choice(("never", "premium", "always")))
    partial_results_stability: str = setting(Choice(("off", "low", "medium", "high")))
