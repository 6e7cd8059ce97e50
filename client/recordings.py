"""Recorded speech: WAV files in the format that speakers send, and sending them in real time."""

import math
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

SAMPLE_RATE_HZ = 16_000
SAMPLE_BYTES = 2
CHANNELS = 1
BYTES_PER_SECOND = SAMPLE_RATE_HZ * SAMPLE_BYTES * CHANNELS
MILLISECONDS_PER_SECOND = 1000
WAY_OUT = (
    "convert it with "
    "`sox {path} --rate 16000 --channels 1 --bits 16 --encoding signed-integer speech.wav`"
)


class RecordingError(ValueError):
    """The file cannot be sent; the message names the file, the problem and the fix."""


def read_recording(path: Path) -> bytes:
    """Return the samples as s16le, mono, 16 kHz. Raises RecordingError."""
    try:
        with wave.open(str(path), "rb") as recording:
            _require_format(path, recording)
            samples = recording.readframes(recording.getnframes())
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    except (wave.Error, EOFError) as error:
        reason = f" ({error})" if str(error) else ""
        raise RecordingError(
            f"{path} is not a WAV file of PCM samples{reason}; {WAY_OUT.format(path=path)}"
        ) from None
    samples = samples[: len(samples) // SAMPLE_BYTES * SAMPLE_BYTES]
    if not samples:
        raise RecordingError(f"{path} has no samples: record it again")
    return samples


def silence(seconds: float) -> bytes:
    """Return samples of silence."""
    return bytes(round(seconds * SAMPLE_RATE_HZ) * SAMPLE_BYTES)


def duration_seconds(samples: bytes, sample_rate_hertz: int = SAMPLE_RATE_HZ) -> float:
    """Return how long the samples last."""
    return len(samples) / SAMPLE_BYTES / sample_rate_hertz


def chunks_of(
    samples: bytes, chunk_milliseconds: int, sample_rate_hertz: int = SAMPLE_RATE_HZ
) -> list[bytes]:
    """Split the samples into chunks of one length; the last is padded with silence."""
    chunk_bytes = sample_rate_hertz * chunk_milliseconds // MILLISECONDS_PER_SECOND * SAMPLE_BYTES
    padded = samples.ljust(math.ceil(len(samples) / chunk_bytes) * chunk_bytes, b"\0")
    return [padded[start : start + chunk_bytes] for start in range(0, len(padded), chunk_bytes)]


def in_real_time(
    chunks: list[bytes],
    sample_rate_hertz: int = SAMPLE_RATE_HZ,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """Yield each chunk when its last sample would have been spoken.

    All times follow one schedule from the start: if the consumer is late, the next chunks are
    yielded immediately until it has caught up.
    """
    due = clock()
    for chunk in chunks:
        due += duration_seconds(chunk, sample_rate_hertz)
        delay_seconds = due - clock()
        if delay_seconds > 0:
            sleep(delay_seconds)
        yield chunk


def _require_format(path: Path, recording: wave.Wave_read) -> None:
    facts = (
        ("samples per second", recording.getframerate(), SAMPLE_RATE_HZ),
        ("channels", recording.getnchannels(), CHANNELS),
        ("bits per sample", recording.getsampwidth() * 8, SAMPLE_BYTES * 8),
    )
    wrong = [f"{value} {name}, not {needed}" for name, value, needed in facts if value != needed]
    if wrong:
        raise RecordingError(f"{path} has {', '.join(wrong)}; {WAY_OUT.format(path=path)}")
