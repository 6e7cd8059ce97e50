"""The metrics that the functions emit through their logs, in CloudWatch's embedded metric format.

Each has one dimension, `service`, whose value is the entry module of the function that emits it:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a value is emitted: a counter of zero is left out, a gauge of zero is not, and a negative
    duration, which clock skew may cause, is clamped to 0.
    """

    COUNTER = "counter"
    GAUGE = "gauge"
    DURATION = "duration"


UNITS: Mapping[Kind, str] = {
    Kind.COUNTER: "Count",
    Kind.GAUGE: "Count",
    Kind.DURATION: "Milliseconds",
}
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""


@dataclass(frozen=True)
class Metric:
    """A metric by its CloudWatch name, and the entry modules of the functions that emit it."""

    name: str
    emitted_by: tuple[str, ...]
    kind: Kind = Kind.COUNTER

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit."""
        return UNITS[self.kind]


ANSWERING = ("connection", "heartbeat", "refresh", "session_status", "audio_ingest")
"""Functions that answer messages. Their failures are answered too, so Lambda counts no error."""

COUNTING_RATES = ("connection", "refresh", "session_status")
JOINING = ("connection", "refresh")
PUSHING_STATUS = ("connection", "disconnect", "refresh", "fan_out", "translation", "reconcile")
RELEASING_PLACES = ("connection", "disconnect", "fan_out", "translation", "reconcile")
POSTING_TO_LISTENERS = ("fan_out", "translation")

# ---- Messages
INTERNAL_ERRORS = Metric("InternalErrors", ANSWERING)
SERVICES_UNAVAILABLE = Metric("ServicesUnavailable", ANSWERING)
SESSION_CREATION_MILLISECONDS = Metric(
    "SessionCreationMilliseconds", ("connection",), Kind.DURATION
)
JOIN_MILLISECONDS = Metric("JoinMilliseconds", ("connection",), Kind.DURATION)
CONTROL_ACK_MILLISECONDS = Metric("ControlAckMilliseconds", ("connection",), Kind.DURATION)
RATE_LIMITED = Metric("RateLimited", (*COUNTING_RATES, "audio_ingest"))
RATE_LIMITS_UNAVAILABLE = Metric("RateLimitsUnavailable", COUNTING_RATES)
JOINS_MISSED = Metric("JoinsMissed", JOINING)
PASSCODE_TRIES_REFUSED = Metric("PasscodeTriesRefused", JOINING)
KEYS_UNAVAILABLE = Metric("KeysUnavailable", ("authorizer",))

# ---- Sessions and listeners
ACTIVE_SESSIONS = Metric("ActiveSessions", ("reconcile",), Kind.GAUGE)
ACTIVE_LISTENERS = Metric("ActiveListeners", ("reconcile",), Kind.GAUGE)
SESSIONS_FINISHED = Metric("SessionsFinished", ("reconcile",))
COUNTS_CORRECTED = Metric("CountsCorrected", ("reconcile",))
SESSIONS_NOT_RECONCILED = Metric("SessionsNotReconciled", ("reconcile",))
DEAD_SOCKETS_REMOVED = Metric("DeadSocketsRemoved", ("reconcile",))
PLACES_NOT_RELEASED = Metric("PlacesNotReleased", RELEASING_PLACES)
LISTENERS_NOT_TOLD = Metric("ListenersNotTold", ("connection",))

# ---- Posts
FRAMES_DELIVERED = Metric("FramesDelivered", ("fan_out",))
CONNECTIONS_GONE = Metric("ConnectionsGone", POSTING_TO_LISTENERS)
POSTS_RETRIED = Metric("PostsRetried", POSTING_TO_LISTENERS)
POSTS_FAILED = Metric("PostsFailed", POSTING_TO_LISTENERS)
LISTENERS_UNTRIED = Metric("ListenersUntried", POSTING_TO_LISTENERS)
LISTENERS_LEFT_TO_NEXT_PASS = Metric("ListenersLeftToNextPass", ("fan_out",))
REMOVALS_FAILED = Metric("RemovalsFailed", POSTING_TO_LISTENERS)

# ---- Status
EVENT_PUSHES = Metric("EventPushes", PUSHING_STATUS)
EVENT_PUSHES_FAILED = Metric("EventPushesFailed", PUSHING_STATUS)
STATUS_QUERY_MILLISECONDS = Metric("StatusQueryMilliseconds", ("session_status",), Kind.DURATION)
TICKS = Metric("Ticks", ("session_status",))
TICKS_DROPPED = Metric("TicksDropped", ("session_status",))
TICK_DELAY_MILLISECONDS = Metric("TickDelayMilliseconds", ("session_status",), Kind.DURATION)
SHARDS_REFUSED = Metric("ShardsRefused", ("session_status",))
STATUS_PUSHES = Metric("StatusPushes", ("session_status",))
STATUS_PUSHES_FAILED = Metric("StatusPushesFailed", ("session_status",))
STATUS_PUSHES_OUT_OF_TIME = Metric("StatusPushesOutOfTime", ("session_status",))
SPEAKERS_GONE = Metric("SpeakersGone", ("session_status",))
SESSIONS_EXPIRED = Metric("SessionsExpired", ("session_status",))

# ---- Audio
AUDIO_SLOTS_EXHAUSTED = Metric("AudioSlotsExhausted", ("audio_ingest",))
CHUNKS_UNREADABLE = Metric("ChunksUnreadable", ("audio_processor",))
CHUNKS_OF_OTHERS = Metric("ChunksOfOthers", ("audio_processor",))
CHUNKS_OVER_RATE = Metric("ChunksOverRate", ("audio_processor",))
CHUNKS_LOST = Metric("ChunksLost", ("audio_processor",))
CHUNKS_DISCARDED = Metric("ChunksDiscarded", ("audio_processor",))
CHUNKS_NOT_TRANSCRIBED = Metric("ChunksNotTranscribed", ("audio_processor",))
SPEAKERS_CLOSED = Metric("SpeakersClosed", ("audio_processor",))
TRANSCRIBE_FAILURES = Metric("TranscribeFailures", ("audio_processor",))
TRANSCRIPTIONS_GIVEN_UP = Metric("TranscriptionsGivenUp", ("audio_processor",))
TRANSCRIPTS_FAILED = Metric("TranscriptsFailed", ("audio_processor",))

# ---- Captions
CAPTIONS_POSTED = Metric("CaptionsPosted", ("translation",))
TRANSLATIONS_FAILED = Metric("TranslationsFailed", ("translation",))
CAPTIONS_KEPT = Metric("CaptionsKept", ("translation",))
CAPTIONS_KEPT_LATE = Metric("CaptionsKeptLate", ("translation",))
CAPTIONS_NOT_KEPT = Metric("CaptionsNotKept", ("translation",))
TRANSCRIPTS_WRITTEN = Metric("TranscriptsWritten", ("transcripts",))

METRICS = tuple(each for each in list(globals().values()) if isinstance(each, Metric))
"""All of them."""
