"""TranscriptStore and what it needs, alone."""

import dataclasses
import sys

import pulumi

from components.layers import host_architecture
from components.stack_state import resources_of_this_stack
from components.transcript_store import TranscriptStore, TranscriptStoreArgs
from components.transcripts_left import refused_if_transcripts_are_left
from tests.components import stack_parts
from tests.engine.programs import Program

ACCOUNT = "000000000000"


def transcripts_alone(
    *, is_writing: bool = False, is_kept: bool = False, deletion_protection: bool = False
) -> Program:
    """A program that makes a TranscriptStore, as `__main__.py` does."""

    def program() -> None:
        platform = stack_parts.platform()
        account_id = pulumi.Output.from_input(ACCOUNT)
        if not is_kept:
            account_id = refused_if_transcripts_are_left(account_id, resources_of_this_stack())
        args = TranscriptStoreArgs(
            platform=dataclasses.replace(
                platform,
                account_id=account_id,
                runtime=f"python3.{sys.version_info.minor}",
                architecture=host_architecture(),
            ),
            history=stack_parts.history(),
            retention_days=30,
            is_writing=is_writing,
            is_kept=is_kept,
            deletion_protection=deletion_protection,
        )
        store = TranscriptStore("transcripts", args)
        pulumi.export("accountId", account_id)
        pulumi.export("transcriptsBucket", store.bucket_name)

    return program
