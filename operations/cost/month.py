"""How often things happen in a month, calculated from the load and the stack, without prices."""

from collections.abc import Mapping
from dataclasses import dataclass

from operations.cost.assumptions import Assumptions
from operations.cost.load import HOURS_PER_MONTH, Load
from operations.cost.stack_facts import StackFacts

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
SQS_BATCH = 10
LISTENERS_PER_PAGE = 500
MINUTES_PER_MONTH = HOURS_PER_MONTH * 60
RECONCILE_MINUTES = 2
RECONCILES_PER_MONTH = MINUTES_PER_MONTH / RECONCILE_MINUTES
PROCESSOR_SECONDS = 900
CHECKS_PER_SESSION = 2
"""Messages to the session checks queue: the second pass, and the speaker's closed socket."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """Counts per month. `captions` are final ones; `transcripts` include partial ones."""

    load: Load
    facts: StackFacts
    assumptions: Assumptions

    @property
    def started_sessions(self) -> float:
        """Sessions that begin in the month."""
        return self.load.session_hours * 60 / self.load.session_minutes

    @property
    def connections(self) -> float:
        """Sockets that are opened: one per listener and one per speaker."""
        return self.started_sessions * (self.load.listeners + 1)

    @property
    def connection_minutes(self) -> float:
        """The minutes of all open sockets together."""
        return self.load.session_hours * 60 * (self.load.listeners + 1)

    @property
    def heartbeats(self) -> float:
        """Heartbeats of all clients."""
        return self.connection_minutes / self.load.heartbeat_minutes

    @property
    def renewals(self) -> float:
        """Writes of when a socket was last heard from: at most one a minute."""
        return min(self.heartbeats, self.connection_minutes)

    @property
    def turn_rounds(self) -> float:
        """How often reconcile hands out turns while sessions run."""
        return self.load.hours * 60 / RECONCILE_MINUTES

    @property
    def shards_with_sessions(self) -> int:
        """The shards that have a turn in each round, if sessions are spread as evenly as can be."""
        return min(self.facts.status_shards, self.load.sessions)

    @property
    def controls(self) -> float:
        """Controls of all speakers."""
        return self.started_sessions * self.load.controls_per_session

    @property
    def speaking_seconds(self) -> float:
        """Seconds of audio that are sent; 0 if the stack takes no audio."""
        if not self.facts.takes_audio:
            return 0
        return self.load.session_hours * 3_600 * self.load.speaking_share

    @property
    def chunks(self) -> float:
        """Audio chunks that are sent."""
        return self.speaking_seconds * self.load.chunks_per_second

    @property
    def captions(self) -> float:
        """Final captions."""
        return self.speaking_seconds / 60 * self.load.captions_per_minute

    @property
    def transcripts(self) -> float:
        """Final captions and, in the sessions that have them, partial ones."""
        shares = {"never": 0.0, "premium": self.load.premium_share, "always": 1.0}
        with_partials = shares[self.facts.partial_captions]
        return self.captions * (1 + self.load.partials_per_caption * with_partials)

    @property
    def kept_captions(self) -> float:
        """Rows of final captions: one for each language and one for the source language."""
        return self.captions * (self.load.languages + 1) if self.facts.keeps_captions else 0

    @property
    def deleted_captions(self) -> float:
        """Rows that are deleted once they are in a transcript; otherwise they expire for free."""
        return self.kept_captions if "transcripts" in self.facts.functions else 0

    @property
    def ticks(self) -> float:
        """Ticks of the status rule."""
        return MINUTES_PER_MONTH * self.facts.ticks_per_minute

    @property
    def status_pushes(self) -> float:
        """Periodic statuses: one per tick to the speaker of each live session."""
        return self.load.session_hours * 60 * self.facts.ticks_per_minute

    @property
    def received_messages(self) -> float:
        """Messages from clients: joins, creates, ends, controls, heartbeats and audio."""
        joins = self.started_sessions * self.load.listeners
        return joins + 2 * self.started_sessions + self.controls + self.heartbeats + self.chunks

    @property
    def sent_messages(self) -> float:
        """Messages to clients: a reply to each message except audio, plus all pushes."""
        replies = self.received_messages - self.chunks
        pushes = self.started_sessions + self.controls + self.transcripts
        return replies + self.status_pushes + pushes * self.load.listeners

    @property
    def closing_passes(self) -> float:
        """One for each session that keeps a transcript; any other is closed by reconcile."""
        return self.started_sessions if "transcripts" in self.facts.functions else 0

    @property
    def fan_outs(self) -> float:
        """Two for each end (the second pass), one for each control and each closing pass; more with
        several pages.

        The translation function posts one page itself and hands out several.
        """
        pages = -(-self.load.listeners // LISTENERS_PER_PAGE)
        tasks = 2 * self.started_sessions + self.closing_passes + self.controls
        if pages <= 1:
            return tasks
        captions = self.transcripts if "translation" in self.facts.functions else 0
        return tasks * (1 + pages) + captions * pages

    @property
    def invocations(self) -> Mapping[str, float]:
        """Invocations by entry module, of the functions that the stack has."""
        joins = self.started_sessions * self.load.listeners
        every = {
            "authorizer": self.connections,
            "connection": self.connections + joins + 2 * self.started_sessions + self.controls,
            "disconnect": (
                self.connections + CHECKS_PER_SESSION * self.started_sessions + self.closing_passes
            ),
            "heartbeat": self.heartbeats,
            "refresh": 0.0,
            "removed_action": 0.0,
            "session_status": self.ticks * (1 + self.facts.status_shards),
            "fan_out": self.fan_outs,
            "reconcile": RECONCILES_PER_MONTH + self.turn_rounds * self.shards_with_sessions,
            "audio_ingest": self.chunks,
            "audio_processor": self.speaking_seconds / PROCESSOR_SECONDS,
            "transcripts": self.started_sessions,
            "translation": self.transcripts,
        }
        return {entry: every[entry] for entry in self.facts.functions}

    def milliseconds_of(self, entry: str) -> float:
        """The duration of one invocation."""
        if entry == "audio_processor":
            return PROCESSOR_SECONDS * 1_000
        base = self.assumptions.duration_milliseconds[entry]
        if entry in ("fan_out", "translation"):
            posts = min(self.load.listeners, LISTENERS_PER_PAGE)
            return base + posts * self.assumptions.post_milliseconds
        return base

    def busy_seconds_of(self, entry: str) -> float:
        """The most seconds in which the function can have a request; a tick spans two seconds."""
        if entry == "session_status":
            return 2 * self.ticks
        hours = HOURS_PER_MONTH if entry == "reconcile" else self.load.hours
        return hours * 3_600

    def traces_of(self, entry: str) -> float:
        """Recorded traces: the first request of each second, and a share of the rest."""
        requests = self.invocations[entry]
        first = min(requests, self.busy_seconds_of(entry))
        return first + self.assumptions.traced_share * (requests - first)
