"""Transcripts: a private bucket, the function that writes to it, and the role that reads from it.

Nothing of it exists unless it is asked for. Where transcripts are no longer written, the bucket and
the role can stay until the last transcript has expired; the function and its queue go.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.caption_history import CaptionHistory
from components.grants import Grant
from components.handler_function import FunctionPlatform, HandlerFunction, HandlerFunctionArgs
from components.message_queue import (
    LONGEST_RETENTION_SECONDS,
    DeadLetters,
    MessageQueue,
    MessageQueueArgs,
)
from components.policies import Statement, bucket_access, permissions, trust_of_role
from components.private_bucket import private_bucket
from components.roles import service_role
from contract.functions import CONNECTION, NONE, TRANSCRIPTS
from contract.transcripts import bucket_name

TRANSCRIPT_STORE_TYPE = "live-sessions:transcript_store:TranscriptStore"

TIMEOUT_SECONDS = 600
# A task that failed is tried again after as long as the function may take.
TIMEOUTS_HIDDEN = 1
MAXIMUM_RECEIVES = 5
# The captions of a transcript wait for two days.
RETENTION_SECONDS = 2 * 24 * 3_600

QUEUE_VARIABLE, BUCKET_VARIABLE = "TRANSCRIPTS_QUEUE_URL", "TRANSCRIPTS_BUCKET"
ROLE_VARIABLE = "TRANSCRIPT_READER_ROLE"
TRANSCRIPT_FAILURES = "transcriptFailures"
"""The name of the failure queue in the stack's outputs."""


@dataclass(frozen=True, kw_only=True)
class TranscriptStoreArgs:
    """`is_writing`: whether transcripts are written; `is_kept`: whether there is a bucket."""

    platform: FunctionPlatform
    history: CaptionHistory
    retention_days: int
    is_writing: bool
    is_kept: bool
    deletion_protection: bool

    def __post_init__(self) -> None:
        if self.is_writing and not self.is_kept:
            raise ValueError("Transcripts are written to a bucket: is_kept must be true as well.")


class TranscriptStore(pulumi.ComponentResource):
    """`functions` and `queues` are there where transcripts are written, `bucket_name` where there
    is a bucket.
    """

    bucket_name: pulumi.Output[str] | None
    functions: tuple[HandlerFunction, ...]
    queues: Mapping[str, MessageQueue]
    failure_queues: Mapping[str, MessageQueue]

    def __init__(
        self, name: str, args: TranscriptStoreArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(TRANSCRIPT_STORE_TYPE, name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        platform = args.platform
        self._bucket_name = pulumi.Output.from_input(platform.account_id).apply(
            lambda account_id: bucket_name(platform.prefix, account_id, platform.region)
        )
        self._bucket_arn = pulumi.Output.concat(
            "arn:", platform.partition, ":s3:::", self._bucket_name
        )
        self.bucket_name = self._create_bucket(name) if args.is_kept else None
        self._reader = self._create_reader(name) if args.is_kept else None
        self.functions, self.queues, self.failure_queues = (), {}, {}
        if args.is_writing:
            failures = self._create_failures(name)
            queue = self._create_queue(name, failures)
            self.functions = (self._create_function(queue),)
            self.queues = {"transcripts": queue}
            self.failure_queues = {TRANSCRIPT_FAILURES: failures}
        self.register_outputs({"bucketName": self.bucket_name})

    def _create_bucket(self, name: str) -> pulumi.Output[str]:
        is_safe = self._args.deletion_protection
        private = private_bucket(
            name,
            bucket_name=self._bucket_name,
            force_destroy=not is_safe,
            opts=self._child,
            bucket_opts=ResourceOptions(parent=self, protect=is_safe, retain_on_delete=is_safe),
        )
        expiring = aws.s3.BucketLifecycleConfiguration(
            f"{name}-retention",
            bucket=private.name,
            rules=[_deleted_after(self._args.retention_days)],
            opts=private.setting,
        )
        aws.s3.BucketPolicy(
            f"{name}-tls-only",
            bucket=private.name,
            policy=bucket_access(self._bucket_arn),
            opts=ResourceOptions.merge(private.setting, ResourceOptions(depends_on=[expiring])),
        )
        return private.name

    def _create_reader(self, name: str) -> aws.iam.Role:
        """Its keys sign the links; the connection function takes it on for one session's files."""
        platform = self._args.platform
        path = pulumi.Output.from_input(platform.role_rules.path).apply(lambda path: path or "/")
        connection = pulumi.Output.format(
            "arn:{0}:iam::{1}:role{2}{3}",
            platform.partition,
            platform.account_id,
            path,
            platform.function_name(CONNECTION),
        )
        reader = service_role(
            f"{name}-reader-role",
            physical_name=f"{platform.prefix}-transcript-reader",
            trust_policy=trust_of_role(connection, platform.partition, platform.account_id),
            rules=platform.role_rules,
            opts=self._child,
        )
        aws.iam.RolePolicy(
            f"{name}-reader-policy",
            name="permissions",
            role=reader.name,
            policy=permissions(
                [self._objects("GetTranscripts", "s3:GetObject"), self._listing("ListTranscripts")]
            ),
            opts=self._child,
        )
        return reader

    def _create_failures(self, name: str) -> MessageQueue:
        failures = MessageQueueArgs(
            physical_name=f"{self._args.platform.prefix}-transcript-failures",
            retention_seconds=LONGEST_RETENTION_SECONDS,
        )
        return MessageQueue(f"{name}-failures", failures, self._child)

    def _create_queue(self, name: str, failures: MessageQueue) -> MessageQueue:
        queue = MessageQueueArgs(
            physical_name=f"{self._args.platform.prefix}-transcripts",
            retention_seconds=RETENTION_SECONDS,
            consumer_timeout_seconds=TIMEOUT_SECONDS,
            timeouts_hidden=TIMEOUTS_HIDDEN,
            dead_letters=DeadLetters(arn=failures.arn, maximum_receives=MAXIMUM_RECEIVES),
        )
        return MessageQueue(f"{name}-tasks", queue, self._child)

    def _create_function(self, queue: MessageQueue) -> HandlerFunction:
        writing = (
            self._objects("WriteTranscripts", "s3:PutObject", "s3:GetObject"),
            self._listing("FindTranscripts"),
        )
        function = HandlerFunctionArgs(
            platform=self._args.platform,
            function=TRANSCRIPTS,
            memory_megabytes=512,
            timeout_seconds=TIMEOUT_SECONDS,
            grants=(
                self._args.history.taking_out(),
                Grant(statements=writing, variables={BUCKET_VARIABLE: self._bucket_name}),
                queue.consuming("ConsumeTranscripts"),
            ),
        )
        made = HandlerFunction(TRANSCRIPTS.entry, function, self._child)
        made.consume("transcripts", queue.arn)
        return made

    def _objects(self, sid: str, *actions: str) -> Statement:
        everything = pulumi.Output.concat(self._bucket_arn, "/*")
        return Statement(sid=sid, actions=actions, resources=(everything,))

    def _listing(self, sid: str) -> Statement:
        """Without it, S3 does not tell whether an object is missing or may not be read."""
        return Statement(sid=sid, actions=("s3:ListBucket",), resources=(self._bucket_arn,))

    def starting(self) -> Grant:
        """Having the transcript of a session written, where the stack keeps any."""
        for queue in self.queues.values():
            return queue.sending("SendTranscripts", QUEUE_VARIABLE)
        return Grant(variables={QUEUE_VARIABLE: NONE})

    def reading(self) -> Grant:
        """Taking on the role that reads transcripts, where there is a bucket."""
        if self._reader is None:
            return Grant(variables={BUCKET_VARIABLE: self._bucket_name, ROLE_VARIABLE: NONE})
        statement = Statement(
            sid="ReadTranscripts", actions=("sts:AssumeRole",), resources=(self._reader.arn,)
        )
        return Grant(
            statements=(statement,),
            variables={BUCKET_VARIABLE: self._bucket_name, ROLE_VARIABLE: self._reader.arn},
        )


def _deleted_after(days: int) -> "aws.s3.BucketLifecycleConfigurationRuleArgs":
    # Quoted above: to import aws.s3 takes time, which stacks without a bucket need not spend.
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="delete-transcripts",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        abort_incomplete_multipart_upload=(
            aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=1
            )
        ),
    )
