"""What the functions themselves report of sessions, and of speech."""

from collections.abc import Mapping
from typing import Any

from components.monitoring.arguments import MonitoringArgs
from components.monitoring.graph import graph, own_lines


def sessions_graphs(args: MonitoringArgs) -> list[dict[str, Any]]:
    failures: Mapping[str, str] = {
        name: queue.physical_name for name, queue in args.failure_queues.items()
    }
    return [
        graph(
            "Sessions and listeners",
            own_lines(args, "reconcile", "ActiveSessions", "ActiveListeners"),
            "Maximum",
        ),
        graph(
            "Status pushes",
            [
                *own_lines(args, "session_status", "Ticks", "TicksDropped", "ShardsRefused"),
                *own_lines(args, "session_status", "StatusPushes", "StatusPushesFailed"),
                *own_lines(args, "session_status", "StatusPushesOutOfTime"),
            ],
        ),
        graph(
            "Status pushes on news",
            [
                line
                for entry in ("connection", "disconnect", "fan_out", "refresh", "translation")
                for line in own_lines(args, entry, "EventPushes", "EventPushesFailed")
            ],
        ),
        graph(
            "Posts to listeners",
            [
                *own_lines(args, "fan_out", "FramesDelivered", "PostsRetried", "PostsFailed"),
                *own_lines(args, "fan_out", "ListenersUntried", "RemovalsFailed"),
            ],
        ),
        graph(
            "Connections gone",
            [
                *own_lines(args, "fan_out", "ConnectionsGone"),
                *own_lines(args, "translation", "ConnectionsGone"),
                *own_lines(args, "session_status", "SpeakersGone"),
            ],
        ),
        graph(
            "Rate limits, and speakers refused for want of keys",
            [
                line
                for entry in ("connection", "session_status")
                for line in own_lines(args, entry, "RateLimited", "RateLimitsUnavailable")
            ]
            + own_lines(args, "audio_processor", "ChunksOverRate", "SpeakersClosed")
            + own_lines(args, "authorizer", "KeysUnavailable"),
        ),
        graph(
            "Failures kept",
            [
                [
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    "QueueName",
                    queue,
                    {"label": name},
                ]
                for name, queue in failures.items()
            ],
            "Maximum",
        ),
    ]


def speech_graphs(args: MonitoringArgs) -> list[dict[str, Any]]:
    return [
        graph(
            "Age of audio that waits (s)",
            [
                ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue]
                for queue in args.slot_queue_names
            ],
            "Maximum",
        ),
        graph(
            "Speech",
            [
                *own_lines(args, "audio_processor", "TranscribeFailures", "TranscriptionsGivenUp"),
                *own_lines(args, "audio_processor", "TranscriptsFailed", "ChunksLost"),
                *own_lines(args, "audio_processor", "ChunksNotTranscribed", "ChunksDiscarded"),
                *own_lines(args, "audio_ingest", "AudioSlotsExhausted"),
            ],
        ),
        graph(
            "Captions",
            [
                *own_lines(args, "translation", "CaptionsPosted", "TranslationsFailed"),
                *own_lines(args, "translation", "PostsFailed", "ListenersUntried"),
            ],
        ),
    ]
