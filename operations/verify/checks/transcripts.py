"""What was said must come back as a transcript, which is erased afterwards."""

import time
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from client.people import Speaker
from client.transcripts import WRITING_SECONDS, read_transcript, wait_for_transcript
from operations.erase.erasing import Erased, EraseError, Eraser
from operations.verify.context import Context
from operations.verify.deployment import code_of, setting
from operations.verify.run_clients import SOCKET_ERRORS
from operations.verify.verdicts import Verdict, not_checked, not_tried, right, wrong

CLOSING_SECONDS = 30.0
CLOSING_POLL_SECONDS = 3.0
TRANSCRIPT, ERASED = "transcript", "transcript's removal"
REPAIR = (
    "see the log groups of reconcile, fan_out and transcripts, and what waits in the queues"
    " transcripts and transcript-failures"
)


def keeps_transcripts(context: Context) -> bool:
    """Whether sessions of the stack can be created with keepTranscript."""
    return setting(context.deployment.config, "transcripts") == "true"


def transcript(
    context: Context, speaker: Speaker, session_id: str, sentence: str
) -> Iterator[Verdict]:
    """End the session, read its transcript by the link, look for the sentence, and erase it all.

    The session was created with keepTranscript where the stack keeps any; its source is English.
    """
    if not keeps_transcripts(context):
        yield not_tried(TRANSCRIPT, "the stack keeps no transcripts", "see transcripts")
        return
    if "getTranscript" in context.removed_actions:
        yield not_tried(TRANSCRIPT, "getTranscript is removed", "see removedRoutes")
        return
    ended = speaker.ask("endSession")
    if ended.type != "sessionEnded":
        yield wrong(TRANSCRIPT, f"endSession was refused with {ended['code']}", REPAIR)
        return
    context.clients.untrack(session_id)
    yield _read(context, speaker, session_id, sentence)
    yield _erased(context, session_id)


def _read(context: Context, speaker: Speaker, session_id: str, sentence: str) -> Verdict:
    progress = f"captions: waiting for the transcript, {WRITING_SECONDS:.0f} s at most"
    try:
        reply = wait_for_transcript(speaker, session_id, waiting=lambda: context.say(progress))
    except SOCKET_ERRORS as error:
        return wrong(TRANSCRIPT, f"getTranscript was not answered: {error}", REPAIR)
    if reply.type != "transcript":
        seen = f"getTranscript was refused with {reply['code']}: {reply['message']}"
        return wrong(TRANSCRIPT, seen, REPAIR)
    try:
        text = read_transcript(reply["url"], is_local=context.deployment.is_local)
    except OSError as error:
        way_out = "see whether the role transcript-reader may read the bucket"
        return wrong(TRANSCRIPT, f"its link cannot be read: {error}", way_out)
    if sentence not in text:
        return wrong(TRANSCRIPT, f"{sentence!r} is not in it: {text!r}", REPAIR)
    return right(TRANSCRIPT, f"{len(text.splitlines())} lines, among them {sentence!r}")


def _erased(context: Context, session_id: str) -> Verdict:
    deployment = context.deployment
    way_out = f"`make erase STACK={deployment.stack} SESSION={session_id}` some minutes later"
    try:
        erased = _erase_once_closed(Eraser(deployment.stack, deployment.client), session_id)
    except EraseError as error:
        return not_checked(ERASED, str(error), way_out)
    except ClientError as error:
        return not_checked(ERASED, f"{error.operation_name} failed: {code_of(error)}", way_out)
    except BotoCoreError as error:
        return not_checked(ERASED, str(error), way_out)
    return right(ERASED, f"{erased.files} files and {erased.captions} captions were erased")


def _erase_once_closed(eraser: Eraser, session_id: str) -> Erased:
    """A session is closed just after its transcript was asked for, and only then erased."""
    deadline = time.monotonic() + CLOSING_SECONDS
    while True:
        try:
            return eraser.erase(session_id)
        except EraseError:
            if time.monotonic() + CLOSING_POLL_SECONDS > deadline:
                raise
            time.sleep(CLOSING_POLL_SECONDS)
