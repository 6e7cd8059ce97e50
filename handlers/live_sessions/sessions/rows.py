"""The sessions table: a session's row, and its conditional updates.

The row holds the listener counts, the broadcast state and the claim on the audio stream; their own
updates are in listeners/counts.py, broadcast/state.py and audio/.
"""

import hmac
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import msgspec

from contract.actions import ACTIONS
from contract.languages import LANGUAGES
from contract.tables import ACTIVE_SESSIONS_INDEX
from live_sessions.aws.clients import ATTEMPTS, Clients
from live_sessions.aws.dynamodb import plain, typed
from live_sessions.aws.retries import repeated, was_not_carried_out
from live_sessions.aws.runtime import Clock, logger
from live_sessions.wire.frames import BroadcastState, EndReason
from live_sessions.wire.messages import DEFAULT_SAMPLE_RATE_HERTZ, Access
from live_sessions.wire.refusals import session_ended, session_not_found

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SESSION_RETENTION_SECONDS = 24 * 3600
"""How long the row of an ended session stays before its TTL."""


FIRST_CAPTION = 1
"""The sequence of a session's first caption."""

CLOCK_MARGIN_MS = 1000
"""Clocks of different hosts, of API Gateway's as well, differ by less."""

LATE_AUDIO_MS = ACTIONS["sendAudio"].timeout_seconds * 1000
"""No chunk is handled so long after its arrival: API Gateway has given it up."""

LAST_WORDS_SECONDS = 20
"""After a session's end: what was said before it is kept for the transcript until then."""

MOST_REPLACED_SOCKETS = 8
"""Kept in a session's row, however often its speaker's socket is replaced within LATE_AUDIO_MS."""


class StreamPosition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The next chunk to transcribe; each connection counts its own chunks."""

    connection_id: str
    stream_epoch: int
    next_sequence: int


class StreamClaim(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A slot claimed for a session until `lease_until` (epoch milliseconds).

    `processor_id` is set once a processor has taken the claim, `reached` after one has stopped in
    good order. `next_caption` is the first caption sequence that is not used yet; release 0.1.0
    began at 0.
    """

    slot: int
    claim_id: str
    lease_until: int
    next_caption: int = 0
    processor_id: str | None = None
    reached: StreamPosition | None = None

    @property
    def is_released(self) -> bool:
        """Whether it was released, rather than only run out: no processor works on it."""
        return self.lease_until == 0

    def is_held(self, at_ms: int) -> bool:
        """Whether the lease runs at that time (epoch milliseconds)."""
        return at_ms < self.lease_until


class SpeakerSocket(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A socket of the session's speaker, with the last stream epoch of its audio and its rate.

    `replaced_at` (epoch milliseconds) is when another one took over.
    """

    connection_id: str
    stream_epoch: int
    sample_rate_hertz: int
    replaced_at: int | None = None

    def was_replaced_at(self, at_ms: int) -> bool:
        """Whether another socket had taken over at that time (epoch milliseconds)."""
        return self.replaced_at is not None and self.replaced_at <= at_ms


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session's row, or what the active-session index projects of it.

    Times are epoch milliseconds, except `expires_at` (epoch seconds). `last_move_id` identifies the
    last join, leave or change of language, `last_control_id` the speaker's last control, and
    `last_push_id` the last event push, which reported `status_baseline` listeners. `paused_at` is
    set during a pause; `last_paused_at` is the start of the last pause that ended. `silent_since`
    is the start of the last silence (paused, muted or volume 0), `audible_since` the end of the
    last one. `stream_epoch` rises then, and when audio comes from another socket;
    `replaced_sockets` are those that it came from before, for chunks that are handled late.
    `audio_claim` is the claim of the processor that transcribes the audio. `unannounced_version` is
    the version of a broadcast state whose fan-out has not begun. `last_listeners_by_language` are
    those of `listeners_by_language` at the session's end. `source_locale` is Transcribe's code for
    the accent; rows of earlier releases, and the index, do not have it, nor `replaced_sockets`, nor
    `access` and `passcode`, which listeners need if access is by passcode.
    """

    session_id: str
    speaker_connection_id: str
    source_language: str
    source_locale: str | None = None
    quality_tier: str = "standard"
    sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ
    receive_captions: bool = False
    keep_transcript: bool = False
    access: Access = "open"
    passcode: str | None = None
    created_at: int
    expires_at: int
    broadcast_state: BroadcastState
    listener_count: int
    listeners_by_language: dict[str, int]
    membership_version: int
    membership_changed_at: int
    status_baseline: int = 0
    speaker_user_id: str | None = None
    active_shard: int | None = None
    ended_at: int | None = None
    end_reason: EndReason | None = None
    status_requested_at: int | None = None
    speaker_lost_at: int | None = None
    paused_at: int | None = None
    last_paused_at: int | None = None
    last_control_id: str | None = None
    last_push_id: str | None = None
    last_move_id: str | None = None
    stream_epoch: int = 0
    replaced_sockets: tuple[SpeakerSocket, ...] = ()
    audible_since: int = 0
    silent_since: int = 0
    audio_claim: StreamClaim | None = None
    unannounced_version: int | None = None
    last_listeners_by_language: dict[str, int] = {}

    @property
    def transcribed_locale(self) -> str:
        """The row's `source_locale`; without one, the usual one of its language."""
        return self.source_locale or LANGUAGES[self.source_language].locales[0]

    def admits(self, passcode: str | msgspec.UnsetType) -> bool:
        """Whether a listener with this passcode may join; compared in constant time."""
        if self.access == "open":
            return True
        if self.passcode is None or passcode is msgspec.UNSET:
            return False
        return hmac.compare_digest(self.passcode.encode(), passcode.encode())

    def is_of(self, connection_id: str) -> bool:
        """Whether the connection is the speaker's current one."""
        return self.speaker_connection_id == connection_id

    @property
    def current_socket(self) -> SpeakerSocket:
        """The speaker's current one."""
        return SpeakerSocket(
            connection_id=self.speaker_connection_id,
            stream_epoch=self.stream_epoch,
            sample_rate_hertz=self.sample_rate_hertz,
        )

    def socket_of(self, connection_id: str, at_ms: int) -> SpeakerSocket | None:
        """The connection as the speaker's socket at that time; None if it was not theirs.

        After the take-over it is still theirs for CLOCK_MARGIN_MS: the time of a chunk on one
        socket and that of the refresh on another are from different clocks.
        """
        is_current = self.is_of(connection_id)
        margin_ms = 0 if is_current else CLOCK_MARGIN_MS
        for socket in self.replaced_sockets:
            is_same = socket.connection_id == connection_id
            if is_same and not socket.was_replaced_at(at_ms - margin_ms):
                return socket
        return self.current_socket if is_current else None

    def audio_epoch(self, socket: SpeakerSocket, at_ms: int) -> int | None:
        """The stream epoch of audio that arrived from a speaker's socket at that time; None if the
        broadcast was silent.

        A chunk that is handled late is judged by the broadcast state at its arrival.
        """
        if self.broadcast_state.is_silent:
            is_heard = self.audible_since <= at_ms < self.silent_since
        else:
            is_heard = at_ms >= self.audible_since or at_ms < self.silent_since
        if not is_heard:
            return None
        rose_later = at_ms < self.audible_since and not socket.was_replaced_at(self.audible_since)
        return socket.stream_epoch - 1 if rose_later else socket.stream_epoch

    def has_expired(self, now_ms: int) -> bool:
        """Whether the session's maximum duration is over."""
        return now_ms >= self.expires_at * 1000

    def is_live(self, now_ms: int) -> bool:
        """Neither ended nor expired. TTL deletes late: a row alone does not mean a live session."""
        return self.ended_at is None and not self.has_expired(now_ms)

    @property
    def over_at(self) -> int:
        """When the session ended, else when its maximum duration is over (epoch milliseconds)."""
        return self.expires_at * 1000 if self.ended_at is None else self.ended_at

    def takes_audio_of(self, at_ms: int) -> bool:
        """Whether audio that arrived at that time is transcribed, even if the session is over."""
        return self.is_live(at_ms) or (self.keep_transcript and at_ms < self.over_at)

    def takes_last_words(self, now_ms: int) -> bool:
        """Whether the session is over, and what was said before can still be in its transcript."""
        return (
            self.keep_transcript
            and not self.is_live(now_ms)
            and now_ms < self.over_at + LAST_WORDS_SECONDS * 1000
        )


def session_from_attributes(attributes: Mapping[str, Any]) -> Session:
    """A session from plain attribute values; unknown attributes are ignored."""
    return msgspec.convert(attributes, Session)


def require_live(session: Session | None, session_id: str, at_ms: int) -> Session:
    """The session if it is live; raises ProtocolError with SESSION_NOT_FOUND or SESSION_ENDED."""
    if session is None:
        raise session_not_found(session_id)
    if not session.is_live(at_ms):
        raise session_ended(session_id)
    return session


def _replaced_sockets(session: Session, at_ms: int) -> list[SpeakerSocket]:
    """With the current one, which is replaced now; without those whose audio was all handled."""
    sockets = [*session.replaced_sockets]
    sockets.append(msgspec.structs.replace(session.current_socket, replaced_at=at_ms))
    needed_ms = at_ms - LATE_AUDIO_MS - CLOCK_MARGIN_MS
    recent = [socket for socket in sockets if not socket.was_replaced_at(needed_ms)]
    return recent[-MOST_REPLACED_SOCKETS:]


def shard_of(session_id: str, shards: int) -> int:
    """Which of `shards` partitions of the active-session index holds the session."""
    return zlib.crc32(session_id.encode()) % shards


@dataclass(frozen=True)
class ConditionalUpdate:
    """Whether an update met its condition, and the row: after it, or unchanged; None if missing."""

    done: bool
    session: Session | None


class SessionTable:
    """Reads and conditional updates of session rows; its methods raise botocore's errors."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        clock: Clock,
        at_most_once: "Callable[[], DynamoDBClient] | None" = None,
    ) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock
        self._at_most_once = at_most_once or (lambda: client)

    @classmethod
    def of(
        cls,
        clients: Clients,
        table_name: str,
        clock: Clock,
        *,
        attempts: int = ATTEMPTS,
        connections: int = 10,
    ) -> Self:
        """The table, with `attempts` per call and a pool of `connections` connections."""
        client = clients.dynamodb(attempts=attempts, connections=connections)
        return cls(client, table_name, clock, clients.dynamodb_at_most_once)

    def create(self, session: Session) -> bool:
        """Write a new session; False when its id is taken."""
        row = msgspec.to_builtins(session) | {
            "ttl": session.expires_at + SESSION_RETENTION_SECONDS,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=typed(row),
                # botocore repeats a write whose response was lost; the repeat finds its own row.
                ConditionExpression=(
                    "attribute_not_exists(sessionId) "
                    "OR (createdAt = :created AND speakerConnectionId = :speaker)"
                ),
                ExpressionAttributeValues=typed(
                    {
                        ":created": session.created_at,
                        ":speaker": session.speaker_connection_id,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def delete(self, session_id: str) -> None:
        """Delete a session whose id has not been sent to anybody."""
        self._client.delete_item(TableName=self._table, Key=typed({"sessionId": session_id}))

    def get(self, session_id: str) -> Session | None:
        """The session as last written (a consistent read)."""
        response = self._client.get_item(
            TableName=self._table, Key=typed({"sessionId": session_id}), ConsistentRead=True
        )
        item = response.get("Item")
        return session_from_attributes(plain(item)) if item else None

    def end(
        self,
        session_id: str,
        reason: EndReason,
        *,
        at_ms: int,
        speaker_connection_id: str | None = None,
    ) -> Session | None:
        """End the session once and return it; None if this call has not ended it.

        With `speaker_connection_id`, only if that is still the speaker's connection. The listener
        counts become 0, and the row keeps the last ones by language; it stays in the active index
        until `close`.
        """
        condition = "attribute_exists(sessionId) AND attribute_not_exists(endedAt)"
        values: dict[str, Any] = {
            ":now": at_ms,
            ":reason": reason.value,
            ":ttl": at_ms // 1000 + SESSION_RETENTION_SECONDS,
            ":false": False,
            ":one": 1,
            ":zero": 0,
            ":nobody": {},
        }
        if speaker_connection_id is not None:
            condition += " AND speakerConnectionId = :speaker"
            values[":speaker"] = speaker_connection_id
        update = self.update_if(
            session_id,
            "SET endedAt = :now, endReason = :reason, #ttl = :ttl, "
            "broadcastState.isActive = :false, "
            "broadcastState.version = broadcastState.version + :one, "
            "broadcastState.lastStateChange = :now, "
            "lastListenersByLanguage = listenersByLanguage, "
            "listenerCount = :zero, listenersByLanguage = :nobody, "
            "membershipVersion = membershipVersion + :one, membershipChangedAt = :now",
            condition=condition,
            names={"#ttl": "ttl"},
            values=values,
        )
        session = update.session
        ended_by_this_call = session is not None and (
            update.done or (session.ended_at, session.end_reason) == (at_ms, reason)
        )
        return session if ended_by_this_call else None

    def close(self, session_id: str) -> None:
        """Remove an ended session from the active index, once all its listeners were notified."""
        self.update_if(session_id, "REMOVE activeShard", condition="attribute_exists(endedAt)")

    def note_announced(self, session_id: str, version: int) -> None:
        """Record that the fan-out of this version of the broadcast state has begun."""
        self.update_if(
            session_id,
            "REMOVE unannouncedVersion",
            condition="unannouncedVersion <= :version",
            values={":version": version},
        )

    def mark_speaker_lost(self, session_id: str, speaker_connection_id: str, *, at_ms: int) -> bool:
        """Record when the speaker's socket was lost; False if it is no longer the speaker's."""
        return self.update_if(
            session_id,
            "SET speakerLostAt = :now",
            condition="speakerConnectionId = :speaker AND attribute_not_exists(endedAt)",
            values={":now": at_ms, ":speaker": speaker_connection_id},
        ).done

    def mark_speaker_present(self, session_id: str, speaker_connection_id: str) -> None:
        """Clear the record that the speaker's socket was lost."""
        self.update_if(
            session_id,
            "REMOVE speakerLostAt",
            condition="speakerConnectionId = :speaker AND attribute_not_exists(endedAt)",
            values={":speaker": speaker_connection_id},
        )

    def take_over(
        self,
        session: Session,
        *,
        user_id: str,
        connection_id: str,
        sample_rate_hertz: int,
        receive_captions: bool,
        at_ms: int,
    ) -> ConditionalUpdate:
        """Make `connection_id` the speaker's connection in place of the one in `session`, with
        audio at that sample rate, and with captions to the speaker or without.

        Only if the session is live, `user_id` created it, and its audio has the same stream epoch
        as in `session`. The row keeps the replaced socket.
        """
        update = self.update_if(
            session.session_id,
            "SET speakerConnectionId = :new, sampleRateHertz = :rate, receiveCaptions = :captions, "
            "streamEpoch = :next_epoch, replacedSockets = :replaced REMOVE speakerLostAt",
            condition=(
                "attribute_exists(sessionId) AND attribute_not_exists(endedAt) "
                "AND expiresAt > :now_seconds AND speakerUserId = :user "
                "AND speakerConnectionId = :old "
                "AND (streamEpoch = :epoch OR attribute_not_exists(streamEpoch))"
            ),
            values={
                ":new": connection_id,
                ":rate": sample_rate_hertz,
                ":captions": receive_captions,
                ":old": session.speaker_connection_id,
                ":user": user_id,
                ":now_seconds": at_ms / 1000,
                ":epoch": session.stream_epoch,
                ":next_epoch": session.stream_epoch + 1,
                ":replaced": msgspec.to_builtins(_replaced_sockets(session, at_ms)),
            },
        )
        after = update.session
        taken = after is not None and (
            (after.speaker_connection_id, after.sample_rate_hertz, after.receive_captions)
            == (connection_id, sample_rate_hertz, receive_captions)
        )
        return ConditionalUpdate(done=update.done or taken, session=after)

    def note_status_request(self, session_id: str, *, at_ms: int) -> None:
        """Record the time of a status request, which delays the next periodic status.

        Returns no attributes: the status function's role may access only the ones written here.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=typed({"sessionId": session_id}),
                UpdateExpression="SET statusRequestedAt = :now",
                ConditionExpression="attribute_exists(sessionId)",
                ExpressionAttributeValues=typed({":now": at_ms}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def active_in_shard(self, shard: int) -> Iterator[Session]:
        """The shard's sessions that are active or not closed yet, from the index.

        A row that cannot be read is logged and skipped, so that it does not affect the others.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=ACTIVE_SESSIONS_INDEX.name,
            KeyConditionExpression="activeShard = :shard",
            ExpressionAttributeValues=typed({":shard": shard}),
        )
        for page in pages:
            for item in page.get("Items", []):
                try:
                    yield session_from_attributes(plain(item))
                except msgspec.ValidationError as problem:
                    logger.error(
                        "A session's row cannot be read",
                        extra={"session": item["sessionId"], "problem": str(problem)},
                    )

    def move_to_shard(self, session_id: str, shard: int) -> None:
        """Move an active session to another shard, after the number of shards changed."""
        self.update_if(
            session_id,
            "SET activeShard = :shard",
            condition="attribute_exists(activeShard)",
            values={":shard": shard},
        )

    def update_if(
        self,
        session_id: str,
        expression: str,
        *,
        condition: str,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        at_most_once: bool = False,
    ) -> ConditionalUpdate:
        """One conditional update; returns the row after it, or the row that failed the condition.

        `values` are plain; `names` are for attributes whose names are data or reserved words. With
        `at_most_once` it is not repeated after its response was lost.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"sessionId": session_id}),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            request["ExpressionAttributeValues"] = typed(values)
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        write = self._update_at_most_once if at_most_once else self._client.update_item
        try:
            item = write(**request).get("Attributes")
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            return ConditionalUpdate(done=False, session=_session_in(refusal.response.get("Item")))
        return ConditionalUpdate(done=True, session=_session_in(item))

    def _update_at_most_once(self, **request: Any) -> Mapping[str, Any]:
        """Retry only what never arrived or was throttled."""
        client = self._at_most_once()
        return repeated(
            lambda: client.update_item(**request),
            attempts=ATTEMPTS,
            is_transient=was_not_carried_out,
            clock=self._clock,
        )


def _session_in(item: Any) -> Session | None:
    return session_from_attributes(plain(item)) if item else None
