"""Each route's function and timeout, and which have no reply."""

from program.computed import REGION

INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
# Each function's routes by their integration timeout in milliseconds.
ROUTES = {
    "connection": {
        29_000: "$connect $default createSession joinSession leaveSession endSession",
        10_000: "pauseBroadcast resumeBroadcast muteBroadcast unmuteBroadcast setVolume"
        " speakerStateChange",
        5_000: "pausePlayback resumePlayback changeLanguage",
    },
    "disconnect": {29_000: "$disconnect"},
    "heartbeat": {10_000: "heartbeat"},
    "refresh": {29_000: "refreshConnection"},
    "session-status": {5_000: "getSessionStatus"},
    "audio-ingest": {10_000: "sendAudio"},
}

# API Gateway takes no replies from the first two; an accepted chunk of audio has none.
SILENT = {"$connect", "$disconnect", "sendAudio"}
