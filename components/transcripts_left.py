"""A stack that is to have no bucket of transcripts, although the one that it has holds some."""

from typing import Any

import pulumi

from components.stack_state import Resources
from components.transcript_store import TRANSCRIPT_STORE_TYPE

OF_TRANSCRIPTS = f"{TRANSCRIPT_STORE_TYPE}$aws:s3/bucket:Bucket::"
LIST_OBJECTS = "aws:s3/getObjects:getObjects"
NO_SUCH_BUCKET = "NoSuchBucket"


class TranscriptsLeftError(pulumi.RunError):
    """The update would remove a bucket that has transcripts; the message has the way out.

    Of a `RunError`, Pulumi prints the message alone, without a traceback.
    """


def refused_if_transcripts_are_left(
    account_id: pulumi.Output[str],
    state: pulumi.Output[Resources],
    opts: pulumi.InvokeOptions | None = None,
) -> pulumi.Output[str]:
    """The account's id, unless the stack's `state` has a bucket in which transcripts are.

    What depends on the id is not changed, and nothing at all is deleted, if it is refused with
    `TranscriptsLeftError`, in a preview too. AWS is asked, with `opts`, only if the state has a
    bucket.
    """

    async def refused(both: list[Any]) -> str:
        account, resources = both
        await _require_none_left(resources, opts)
        return account

    return pulumi.Output.all(account_id, state).apply(refused)


async def _require_none_left(resources: Resources, opts: pulumi.InvokeOptions | None) -> None:
    for urn, resource in resources.items():
        bucket = str(resource["outputs"].get("bucket", ""))
        if OF_TRANSCRIPTS in urn and bucket:
            await _require_empty(bucket, opts)


async def _require_empty(bucket: str, opts: pulumi.InvokeOptions | None) -> None:
    try:
        found: Any = await pulumi.runtime.invoke_async(
            LIST_OBJECTS, {"bucket": bucket, "maxKeys": 1}, opts
        )
    except Exception as error:  # the SDK has no class of its own for what a provider refuses
        if NO_SUCH_BUCKET in str(error):
            return
        raise _refusal(bucket, f"whether it has any is not known: {error}") from None
    if found["keys"]:
        raise _refusal(bucket, "it has some")


def _refusal(bucket: str, why: str) -> TranscriptsLeftError:
    return TranscriptsLeftError(
        f"transcripts and keepTranscriptBucket are false, which deletes the bucket {bucket} with"
        f" its transcripts, and {why}. Set keepTranscriptBucket to true until they have expired, or"
        f" delete them now: `aws s3 rm --recursive s3://{bucket}`. See docs/privacy.md."
    )
