"""The time from the end of a spoken sentence to its caption, over sockets on the local cloud.

The sample recording is sent in real time; the ends of its sentences are detected by their silences.
The result includes the local stand-ins: pocketsphinx recognises the English.
"""

import argparse
import statistics
import sys
import tempfile
import time
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from client.recordings import SAMPLE_RATE_HZ, read_recording  # noqa: E402
from local.cloud import LocalCloud  # noqa: E402
from local.sample_speech import SENTENCES, WAV  # noqa: E402

QUIET_LEVEL = 300
STRETCH_SAMPLES = SAMPLE_RATE_HZ // 50
PAUSE_STRETCHES = 25
CAPTION_TIMEOUT_SECONDS = 30
SENTENCE_PAUSE_SECONDS = 1.0


def sentence_ends(samples: bytes) -> list[float]:
    """The times in seconds at which sound is followed by half a second of quiet or by the end."""
    values = array("h", samples)
    loud = [
        max(abs(value) for value in values[start : start + STRETCH_SAMPLES]) > QUIET_LEVEL
        for start in range(0, len(values), STRETCH_SAMPLES)
    ]
    ends: list[float] = []
    for number, is_loud in enumerate(loud):
        if is_loud and not any(loud[number + 1 : number + 1 + PAUSE_STRETCHES]):
            ends.append((number + 1) * STRETCH_SAMPLES / SAMPLE_RATE_HZ)
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2, help="how often the recording is sent (2)")
    arguments = parser.parse_args()
    samples = read_recording(WAV)
    ends = sentence_ends(samples)
    if len(ends) != len(SENTENCES):
        raise SystemExit(
            f"{len(ends)} sentences detected in the recording instead of {len(SENTENCES)}: {ends}"
        )
    seconds: dict[str, list[float]] = {"en": [], "es": []}
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder)) as cloud:
        speaker = cloud.speaker()
        session_id = speaker.create_session("en")
        listeners = dict(zip(seconds, cloud.listeners(len(seconds)), strict=True))
        for language, listener in listeners.items():
            listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
        sequence = 0
        for _ in range(arguments.times):
            began_at = time.monotonic()
            sequence = speaker.speak(samples, first_sequence=sequence)
            for end in ends:
                for language, listener in listeners.items():
                    caption = listener.expect("caption", timeout_seconds=CAPTION_TIMEOUT_SECONDS)
                    seconds[language].append(caption.received_at - began_at - end)
            time.sleep(SENTENCE_PAUSE_SECONDS)
    print(f"{'':10} {'captions':>8} {'median s':>9} {'worst s':>8}")
    for language, taken in seconds.items():
        print(f"{language:10} {len(taken):8} {statistics.median(taken):9.2f} {max(taken):8.2f}")


if __name__ == "__main__":
    main()
