"""Writes the transcripts of sessions that have ended, one for each message of its queue."""

from contract.functions import TranscriptsEnvironment
from live_sessions.aws.clients import Clients
from live_sessions.aws.runtime import SYSTEM_CLOCK, Clock, Handler, read_environment
from live_sessions.captions.history import CaptionTable
from live_sessions.captions.transcript_store import TranscriptStore
from live_sessions.captions.transcript_writing import TranscriptWriting


def build(environment: TranscriptsEnvironment, clients: Clients, clock: Clock) -> Handler:
    """The handler of the queue of transcripts."""
    return TranscriptWriting(
        CaptionTable(clients.dynamodb(), environment.captions_table),
        TranscriptStore(clients.s3(), environment.transcripts_bucket),
        clock,
    )


handler = build(read_environment(TranscriptsEnvironment), Clients.of_this_account(), SYSTEM_CLOCK)
