"""The functions' environment in tests, set when this module is imported.

As in Lambda's init phase, the functions' code and Powertools read it at import.
"""

import os

from tests.patience import OUT_OF_REACH_SECONDS

REGION = "eu-central-1"
QUEUES = (
    "session-checks",
    "transcripts",
    "status-shards",
    "reconcile-shards",
    "audio-0",
    "audio-1",
    "audio-2",
)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "live-sessions-test-fan-out",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "LiveSessions/test",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "ENV": "test",
    "SESSIONS_TABLE": "sessions",
    "CONNECTIONS_TABLE": "connections",
    "RATE_LIMITS_TABLE": "rate-limits",
    "CAPTIONS_TABLE": "captions",
    "CAPTION_HISTORY_MINUTES": "2",
    "TRANSCRIPTS": "true",
    "TRANSCRIPTS_BUCKET": "live-sessions-test-transcripts",
    "TRANSCRIPTS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/transcripts",
    "TRANSCRIPT_READER_ROLE": "arn:aws:iam::123456789012:role/live-sessions-test-reader",
    "API_GATEWAY_ENDPOINT": f"https://api1234567.execute-api.{REGION}.amazonaws.com/live",
    "FAN_OUT_FUNCTION": "live-sessions-test-fan-out:live",
    "SESSION_CHECKS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/session-checks",
    "STATUS_SHARD_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/status-shards",
    "RECONCILE_SHARD_QUEUE_URL": (
        f"https://sqs.{REGION}.amazonaws.com/123456789012/reconcile-shards"
    ),
    "MAX_LISTENERS_PER_SESSION": "3",
    "SESSION_MAX_DURATION_HOURS": "8",
    "SPEAKER_GRACE_SECONDS": "10",
    "STATUS_SHARDS": "4",
    "STATUS_QUERY_TIMEOUT_MS": str(OUT_OF_REACH_SECONDS * 1000),
    "PERIODIC_UPDATE_INTERVAL_SECONDS": "30",
    "LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT": "10",
    "SESSIONS_PER_USER_PER_HOUR": "1000",
    "JOINS_PER_ADDRESS_PER_MINUTE": "1000",
    "CONNECTIONS_PER_ADDRESS_PER_MINUTE": "1000",
    "CONTROLS_PER_CONNECTION_PER_MINUTE": "1000",
    "JOIN_MISSES_PER_ADDRESS_PER_MINUTE": "1000",
    "PASSCODE_MISSES_PER_SESSION_PER_MINUTE": "1000",
    "STATUS_QUERIES_PER_SPEAKER_PER_MINUTE": "1000",
    "AUDIO_SLOTS_TABLE": "audio-slots",
    "AUDIO_SLOTS": "3",
    "AUDIO_SLOTS_PER_USER": "3",
    "AUDIO_QUEUE_URL_PREFIX": f"https://sqs.{REGION}.amazonaws.com/123456789012/audio-",
    "AUDIO_PROCESSOR_FUNCTION": "live-sessions-test-audio-processor:live",
    "AUDIO_CHUNKS_PER_SECOND": "50",
    "TRANSLATION_FUNCTION": "live-sessions-test-translation:live",
    "PARTIAL_CAPTIONS": "premium",
    "PARTIAL_RESULTS_STABILITY": "medium",
    "TOKEN_ISSUER": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_pool",
    "TOKEN_AUDIENCES": "client-id second-client",
    "TOKEN_KEYS_URL": "http://127.0.0.1:9/jwks.json",
}
os.environ.update(ENVIRONMENT)
