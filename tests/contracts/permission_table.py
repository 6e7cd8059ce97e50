"""What each function's role may do in the staging stack, and where its resources are."""

from program.computed import ACCOUNT, REGION

PREFIX = "live-sessions-staging"

TABLES = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}"
SESSIONS, CONNECTIONS = f"{TABLES}-sessions", f"{TABLES}-connections"
ACTIVE_SESSIONS = f"{SESSIONS}/index/active-sessions-index"
LISTENERS = f"{CONNECTIONS}/index/sessionId-targetLanguage-index"
RATE_LIMITS = f"{TABLES}-rate-limits"
AUDIO_SLOTS = f"{TABLES}-audio-slots"
CAPTIONS = f"{TABLES}-captions"
BUCKET = f"arn:aws:s3:::{PREFIX}-transcripts-{ACCOUNT}-{REGION}"
READER = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-transcript-reader"
STAGE = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc123/staging"
POST = ("execute-api:ManageConnections", f"{STAGE}/POST/@connections/*")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}"


def invoking(function: str) -> tuple[str, str]:
    """By its alias, and without one as the release before does (ADR 0014)."""
    return "lambda:InvokeFunction", f"{FUNCTION}-{function} {FUNCTION}-{function}:live"


QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}"
# Staging's five.
AUDIO_QUEUES = " ".join(f"{QUEUE}-audio-{slot}" for slot in range(5))
CONSUME = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"

# Each role's statements besides WriteOwnLogs: Sid to (actions, resources).
STATEMENTS: dict[str, dict[str, tuple[str, str]]] = {
    "authorizer": {},
    "connection": {
        "ReadWriteSessions": (
            "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
            SESSIONS,
        ),
        "ReadWriteConnections": (
            "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
            CONNECTIONS,
        ),
        "CountRateLimits": ("dynamodb:UpdateItem", RATE_LIMITS),
        "ReadCaptions": ("dynamodb:Query", CAPTIONS),
        "ReadTranscripts": ("sts:AssumeRole", READER),
        "GetConnections": ("execute-api:ManageConnections", f"{STAGE}/GET/@connections/*"),
        "PostToConnections": POST,
        "InvokeFanOut": invoking("fan-out"),
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
    },
    "disconnect": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "DeleteConnections": ("dynamodb:DeleteItem", CONNECTIONS),
        "PostToConnections": POST,
        "InvokeFanOut": invoking("fan-out"),
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
        "ConsumeSessionChecks": (CONSUME, f"{QUEUE}-session-checks"),
    },
    "heartbeat": {
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "HearConnections": ("dynamodb:UpdateItem", CONNECTIONS),
        "PostToConnections": POST,
    },
    "removed-action": {"PostToConnections": POST},
    "refresh": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReadWriteConnections": (
            "dynamodb:GetItem dynamodb:UpdateItem dynamodb:DeleteItem",
            CONNECTIONS,
        ),
        "CountRateLimits": ("dynamodb:UpdateItem", RATE_LIMITS),
        "PostToConnections": POST,
    },
    "session-status": {
        "ReadSessions": ("dynamodb:GetItem", SESSIONS),
        "NoteStatusRequests": ("dynamodb:UpdateItem", SESSIONS),
        "QueryActiveSessions": ("dynamodb:Query", ACTIVE_SESSIONS),
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "CountRateLimits": ("dynamodb:UpdateItem", RATE_LIMITS),
        "PostToConnections": POST,
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
        "SendShards": ("sqs:SendMessage", f"{QUEUE}-status-shards"),
        "ConsumeShards": (CONSUME, f"{QUEUE}-status-shards"),
        "ConsumeTicks30s": (CONSUME, f"{QUEUE}-status-ticks-30s"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-status-failures"),
    },
    "fan-out": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReleaseConnections": ("dynamodb:UpdateItem dynamodb:DeleteItem", CONNECTIONS),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "PostToConnections": POST,
        "InvokeItself": invoking("fan-out"),
        "SendTranscripts": ("sqs:SendMessage", f"{QUEUE}-transcripts"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-fan-out-failures"),
    },
    "reconcile": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "QueryActiveSessions": ("dynamodb:Query", ACTIVE_SESSIONS),
        "ReadDeleteConnections": (
            "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:DeleteItem",
            CONNECTIONS,
        ),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "GetConnections": ("execute-api:ManageConnections", f"{STAGE}/GET/@connections/*"),
        "PostToConnections": POST,
        "DeleteConnections": (
            "execute-api:ManageConnections",
            f"{STAGE}/DELETE/@connections/*",
        ),
        "InvokeFanOut": invoking("fan-out"),
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
        "SendShards": ("sqs:SendMessage", f"{QUEUE}-reconcile-shards"),
        "ConsumeShards": (CONSUME, f"{QUEUE}-reconcile-shards"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-reconcile-failures"),
    },
    "audio-ingest": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "HearConnections": ("dynamodb:UpdateItem", CONNECTIONS),
        "ClaimSlots": ("dynamodb:BatchGetItem dynamodb:UpdateItem", AUDIO_SLOTS),
        "SendAudio": ("sqs:SendMessage", AUDIO_QUEUES),
        "InvokeAudioProcessor": invoking("audio-processor"),
        "PostToConnections": POST,
    },
    "audio-processor": {
        "UpdateSessions": ("dynamodb:UpdateItem", SESSIONS),
        "RenewSlots": ("dynamodb:UpdateItem", AUDIO_SLOTS),
        "ReceiveAudio": ("sqs:ReceiveMessage sqs:DeleteMessage", AUDIO_QUEUES),
        "StreamTranscription": (
            "transcribe:StartStreamTranscription transcribe:StartStreamTranscriptionWebSocket",
            "*",
        ),
        "InvokeTranslation": invoking("translation"),
        "PostToConnections": POST,
        "DeleteConnections": (
            "execute-api:ManageConnections",
            f"{STAGE}/DELETE/@connections/*",
        ),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-audio-failures"),
    },
    "transcripts": {
        "TakeOutCaptions": ("dynamodb:Query dynamodb:BatchWriteItem", CAPTIONS),
        "WriteTranscripts": ("s3:PutObject s3:GetObject", f"{BUCKET}/*"),
        "FindTranscripts": ("s3:ListBucket", BUCKET),
        "ConsumeTranscripts": (CONSUME, f"{QUEUE}-transcripts"),
    },
    "translation": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "DeleteConnections": ("dynamodb:DeleteItem", CONNECTIONS),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "KeepCaptions": ("dynamodb:BatchWriteItem", CAPTIONS),
        "TranslateText": ("translate:TranslateText", "*"),
        "PostToConnections": POST,
        "InvokeFanOut": invoking("fan-out"),
    },
}
RETURNS_NO_ITEM = {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]}
HEARING = {
    "ForAllValues:StringEquals": {"dynamodb:Attributes": ["connectionId", "lastHeardAt"]},
    "StringEqualsIfExists": RETURNS_NO_ITEM,
}
CONDITIONS = {
    ("session-status", "NoteStatusRequests"): {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["sessionId", "statusRequestedAt"]},
        "StringEqualsIfExists": RETURNS_NO_ITEM,
    },
    ("heartbeat", "HearConnections"): HEARING,
    ("audio-ingest", "HearConnections"): HEARING,
}
# What the role may do that the connection function takes on, for one session's files at a time.
READER_STATEMENTS = {
    "GetTranscripts": ("s3:GetObject", f"{BUCKET}/*"),
    "ListTranscripts": ("s3:ListBucket", BUCKET),
}
# Sid of each statement that AWS offers no narrower resource than `*` for, with the reason.
STAR_RESOURCES = {
    "SendTraces": "X-Ray traces are not resources",
    "StreamTranscription": "a stream is not a resource",
    "TranslateText": "its only resources are terminologies, and it uses none",
}
