"""A chunk arrives: it is decoded, checked, and put into the queue of its session's slot.

The first chunk of a session claims a slot and starts the processor that transcribes the queue.
"""

import binascii
import math
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contract import metrics
from live_sessions.audio.chunks import SAMPLE_BYTES, Chunk, ChunkQueues, bytes_per_second
from live_sessions.audio.hearing import SpeakersHeard
from live_sessions.audio.slots import AudioSlots, SlotHolder, SlotRows, StartProcessor, StreamClaims
from live_sessions.aws.clients import start_function
from live_sessions.aws.runtime import emit, logger
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import (
    FIRST_CAPTION,
    Session,
    SessionTable,
    SpeakerSocket,
    StreamClaim,
    require_live,
)
from live_sessions.wire.messages import SendAudio
from live_sessions.wire.refusals import (
    ErrorCode,
    ProtocolError,
    connection_not_found,
    session_not_found,
    try_again,
)
from live_sessions.wire.requests import Request

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SHORTEST_BYTES = 100
LONGEST_BYTES = 24_000
"""As base64 text it fits, with its message, into the one frame that API Gateway accepts."""

REMEMBERED_SPEAKERS = 1000

STARTING_SECONDS = 10
"""For a processor to begin; after that the next chunk starts another one."""

RETRY_AFTER_SECONDS = 5

NEVER_USED = 0
"""A slot that no chunk was sent to is free again without a margin."""


def decoded(audio_data: str) -> bytes:
    """The audio in a message; raises ProtocolError with INVALID_AUDIO or AUDIO_TOO_LARGE."""
    try:
        audio = binascii.a2b_base64(audio_data, strict_mode=True)
    except ValueError as error:
        raise _invalid(f"audioData is not base64 text: {error}") from None
    if len(audio_data) != 4 * math.ceil(len(audio) / 3):
        # Some versions of Python accept it.
        raise _invalid("audioData is not base64 text: it has surplus padding")
    _require_at_most(LONGEST_BYTES, audio, "a chunk has")
    if len(audio) < SHORTEST_BYTES:
        raise _invalid(
            f"audioData has {len(audio)} bytes of audio; a chunk has at least {SHORTEST_BYTES}: "
            "send longer chunks"
        )
    if len(audio) % SAMPLE_BYTES:
        raise _invalid(
            f"audioData has {len(audio)} bytes of audio; samples have two bytes each: "
            "send 16-bit little-endian PCM"
        )
    return audio


def require_a_second_at_most(audio: bytes, sample_rate_hertz: int) -> None:
    """Raises ProtocolError with AUDIO_TOO_LARGE; Transcribe takes no more than a second at once."""
    _require_at_most(
        bytes_per_second(sample_rate_hertz), audio, f"at {sample_rate_hertz} Hz it has"
    )


def _require_at_most(limit_bytes: int, audio: bytes, rule: str) -> None:
    if len(audio) > limit_bytes:
        raise ProtocolError(
            ErrorCode.AUDIO_TOO_LARGE,
            f"audioData has {len(audio)} bytes of audio; {rule} at most {limit_bytes}: "
            "send shorter chunks.",
            {"bytes": len(audio), "maxBytes": limit_bytes},
        )


def _invalid(message: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_AUDIO, f"{message}.")


@dataclass(frozen=True)
class SlotAllocator:
    """Gives each session with audio one slot and one processor, but `slots_per_user` to one user.

    `lambda_client` builds the client at its first use: only a session's first chunk needs it.
    """

    sessions: SessionTable
    slots: AudioSlots
    lambda_client: "Callable[[], LambdaClient]"
    processor_function: str
    slots_per_user: int

    def slot_of(self, session: Session, *, at_ms: int) -> int:
        """The slot whose queue takes the session's chunks at that time (epoch milliseconds).

        Raises ProtocolError with SERVICE_UNAVAILABLE if none is free or no processor starts, with
        RATE_LIMITED if the user's other sessions hold as many as one user may, or with
        SESSION_ENDED; botocore's errors if the claim could not be made.
        """
        last = session.audio_claim
        if last is not None and last.is_held(at_ms):
            return last.slot
        claim = self._claim_a_slot(session, at_ms)
        if claim is None:
            current = self.sessions.get(session.session_id)
            return _slot_claimed_meanwhile(current, session, at_ms, or_else=_no_slot_is_free)
        claims = self._claims_of(session.session_id, claim)
        try:
            update = claims.record(session, claim, at_ms=at_ms)
        except (ClientError, BotoCoreError):
            # It may have been recorded after all, and no processor would start.
            self._withdraw(claims, claim, at_ms)
            raise
        if not update.done:
            self._release_unused(claim, session, at_ms)
            return _slot_claimed_meanwhile(update.session, session, at_ms, or_else=try_again)
        self._start_processor(claims, claim, at_ms)
        return claim.slot

    def _claims_of(self, session_id: str, claim: StreamClaim) -> StreamClaims:
        return StreamClaims(self.sessions, session_id, claim.claim_id)

    def _claim_a_slot(self, session: Session, at_ms: int) -> StreamClaim | None:
        """None if all are held; raises ProtocolError with RATE_LIMITED or SERVICE_UNAVAILABLE."""
        last = session.audio_claim
        rows = self.slots.read()
        self._require_share(rows, session, at_ms)
        holder = SlotHolder(
            claim_id=uuid.uuid4().hex,
            session_id=session.session_id,
            user_id=session.speaker_user_id or "",
        )
        lease_until = at_ms + STARTING_SECONDS * 1000
        for slot in self._candidates(rows, last, at_ms):
            if self.slots.claim(slot, holder, lease_until=lease_until, at_ms=at_ms, last=last):
                claim = StreamClaim(
                    slot=slot,
                    claim_id=holder.claim_id,
                    lease_until=lease_until,
                    next_caption=last.next_caption if last else FIRST_CAPTION,
                    reached=last and last.reached,
                )
                self._keep_within_share(claim, session, at_ms)
                return claim
        return None

    def _require_share(self, rows: SlotRows, session: Session, at_ms: int) -> None:
        user_id = session.speaker_user_id
        if user_id is None:
            return
        others = rows.sessions_of(user_id, at_ms=at_ms) - {session.session_id}
        if len(others) >= self.slots_per_user:
            raise _no_slot_for_the_user(self.slots_per_user)

    def _keep_within_share(self, claim: StreamClaim, session: Session, at_ms: int) -> None:
        """Release the slot if the user has too many with it, and raise ProtocolError.

        Of claims at the same moment, the one that is written last sees all others. An earlier one
        may see them too and be released as well; then the next chunk claims again.
        """
        try:
            rows = self.slots.read()
            if rows.unread:
                raise try_again()
            self._require_share(rows, session, at_ms)
        except (ProtocolError, ClientError, BotoCoreError):
            self._release_unused(claim, session, at_ms)
            raise

    def _candidates(self, rows: SlotRows, last: StreamClaim | None, at_ms: int) -> Iterator[int]:
        """First the slot that the session had: its queue may still hold chunks of the session."""
        if last is not None and self.slots.has(last.slot):
            yield last.slot
        yield from rows.free(at_ms=at_ms)

    def _start_processor(self, claims: StreamClaims, claim: StreamClaim, at_ms: int) -> None:
        task = StartProcessor(
            session_id=claims.session_id, slot=claim.slot, claim_id=claim.claim_id
        )
        try:
            start_function(self.lambda_client(), self.processor_function, task)
        except (ClientError, BotoCoreError):
            if self._withdraw(claims, claim, at_ms):
                raise
        logger.info("claimed", extra={"session": claims.session_id, "slot": claim.slot})

    def _withdraw(self, claims: StreamClaims, claim: StreamClaim, at_ms: int) -> bool:
        """Withdraw the claim and release the slot; False if a processor has started after all.

        A processor that starts later finds no claim. If this fails, both leases run out.
        """
        try:
            if not claims.withdraw():
                return False
        except (ClientError, BotoCoreError):
            logger.exception(
                "A claim was not withdrawn; it ends with its lease",
                extra={"session": claims.session_id},
            )
            return True
        self._release(claim, at_ms)
        return True

    def _release_unused(self, claim: StreamClaim, session: Session, at_ms: int) -> None:
        """Release the slot of a claim that no processor was started for."""
        last = session.audio_claim
        has_chunks = last is not None and last.slot == claim.slot
        self._release(claim, at_ms if has_chunks else NEVER_USED)

    def _release(self, claim: StreamClaim, used_until: int) -> None:
        try:
            self.slots.release(claim.slot, claim.claim_id, at_ms=used_until)
        except (ClientError, BotoCoreError):
            logger.exception(
                "A slot was not released; it is free after its lease", extra={"slot": claim.slot}
            )


def _slot_claimed_meanwhile(
    current: Session | None,
    read: Session,
    at_ms: int,
    *,
    or_else: Callable[[], ProtocolError],
) -> int:
    """The slot that another chunk of the session has claimed at the same time."""
    claim = require_live(current, read.session_id, at_ms).audio_claim
    if claim is None or not claim.is_held(at_ms):
        raise or_else()
    return claim.slot


def _no_slot_is_free() -> ProtocolError:
    emit({metrics.AUDIO_SLOTS_EXHAUSTED: 1})
    return ProtocolError(
        ErrorCode.SERVICE_UNAVAILABLE,
        "As many sessions are being transcribed as there is room for; try again in "
        f"{RETRY_AFTER_SECONDS} seconds.",
        {"retryAfterSeconds": RETRY_AFTER_SECONDS},
    )


def _no_slot_for_the_user(limit: int) -> ProtocolError:
    emit({metrics.RATE_LIMITED: 1})
    return ProtocolError(
        ErrorCode.RATE_LIMITED,
        f"Your other sessions hold all of the {limit} audio slots that one user may have; end one "
        f"or stop its audio, and try again in {RETRY_AFTER_SECONDS} seconds.",
        {"limit": "audioSlotsPerUser", "retryAfterSeconds": RETRY_AFTER_SECONDS},
    )


@dataclass(frozen=True)
class Ingest:
    """The answer to sendAudio.

    The container remembers its speakers' session ids, which saves a read per chunk: the session's
    own row names its speaker.
    """

    sessions: SessionTable
    connections: ConnectionTable
    allocator: SlotAllocator
    queues: ChunkQueues
    speakers: SpeakersHeard
    remembered_speakers: int = REMEMBERED_SPEAKERS
    _session_ids: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])

    def send_audio(self, request: Request[SendAudio]) -> None:
        """Queue the chunk of a session's speaker; dropped if the broadcast is silent.

        Raises ProtocolError with INVALID_AUDIO, AUDIO_TOO_LARGE, CONNECTION_NOT_FOUND,
        SESSION_NOT_FOUND, SESSION_ENDED, RATE_LIMITED or SERVICE_UNAVAILABLE.
        """
        audio = decoded(request.message.audio_data)
        connection_id = request.caller.connection_id
        session, socket = self._session_of(connection_id, request.at_ms)
        self.speakers.heard(connection_id, at_ms=request.at_ms)
        require_a_second_at_most(audio, socket.sample_rate_hertz)
        stream_epoch = session.audio_epoch(socket, request.at_ms)
        if stream_epoch is None:
            return
        slot = self.allocator.slot_of(session, at_ms=request.at_ms)
        chunk = Chunk(
            session_id=session.session_id,
            stream_epoch=stream_epoch,
            connection_id=connection_id,
            sequence=request.message.sequence,
            arrived_at=request.at_ms,
            sample_rate_hertz=socket.sample_rate_hertz,
            audio=audio,
        )
        self.queues.send(slot, chunk)

    def _session_of(self, connection_id: str, at_ms: int) -> tuple[Session, SpeakerSocket]:
        """The session whose speaker's the socket was when the chunk arrived."""
        remembered = self._session_ids.get(connection_id)
        if remembered is not None:
            session = self.sessions.get(remembered)
            socket = session and session.socket_of(connection_id, at_ms)
            if session and socket and session.takes_audio_of(at_ms):
                return session, socket
            self._session_ids.pop(connection_id, None)
        row = self.connections.get(connection_id, at_ms=at_ms)
        session_id = row and (row.session_id or row.moved_session_id)
        if session_id is None:
            raise connection_not_found()
        session = self.sessions.get(session_id)
        if session is None:
            raise session_not_found(session_id)
        socket = session.socket_of(connection_id, at_ms)
        if socket is None:
            raise connection_not_found()
        require_live(session, session_id, at_ms)
        self._session_ids[connection_id] = session_id
        if len(self._session_ids) > self.remembered_speakers:
            self._session_ids.popitem(last=False)
        return session, socket
