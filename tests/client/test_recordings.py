import struct
import wave
from pathlib import Path
from typing import Any

import pytest

from client.recordings import (
    RecordingError,
    chunks_of,
    duration_seconds,
    in_real_time,
    read_recording,
    silence,
)
from local.sample_speech import SENTENCES, WAV, words_of

SAMPLES = bytes(range(256)) * 25  # 0.2 s


def wav_file(
    folder: Path, samples: bytes = SAMPLES, *, rate: int = 16_000, channels: int = 1, width: int = 2
) -> Path:
    path = folder / "said.wav"
    with wave.open(str(path), "wb") as recording:
        recording.setframerate(rate)
        recording.setnchannels(channels)
        recording.setsampwidth(width)
        recording.writeframes(samples)
    return path


def test_a_recording_is_read_as_its_samples(tmp_path: Path) -> None:
    assert read_recording(wav_file(tmp_path)) == SAMPLES


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"rate": 44_100}, "44100 samples per second, not 16000"),
        ({"channels": 2}, "2 channels, not 1"),
        ({"width": 1}, "8 bits per sample, not 16"),
    ],
)
def test_a_wrong_format_is_reported_with_the_rule_and_the_fix(
    tmp_path: Path, form: dict[str, Any], fault: str
) -> None:
    path = wav_file(tmp_path, **form)
    with pytest.raises(RecordingError) as refusal:
        read_recording(path)
    assert f"{path} has {fault};" in str(refusal.value)
    assert f"sox {path} --rate 16000 --channels 1 --bits 16" in str(refusal.value)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"8000 samples .*, 2 channels, .*24 bits"):
        read_recording(wav_file(tmp_path, rate=8000, channels=2, width=3))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3" + bytes(200), b"RIFF\x04\0\0\0WAVE"])
def test_a_file_that_is_not_wav_is_reported_with_the_fix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "said.mp3"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"said\.mp3 is not a WAV file .*`sox "):
        read_recording(path)


def test_floating_point_samples_are_refused(tmp_path: Path) -> None:
    path = wav_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[20:22] = struct.pack("<H", 3)  # WAVE_FORMAT_IEEE_FLOAT
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"not a WAV file of PCM samples .*unknown format: 3"):
        read_recording(path)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="has no samples"):
        read_recording(wav_file(tmp_path, b""))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.wav cannot be read: No such file"):
        read_recording(tmp_path / "none.wav")


def test_a_truncated_recording_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = wav_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-101])
    assert read_recording(path) == SAMPLES[:-102]


def test_chunks_are_the_samples_in_order_with_the_last_padded_with_silence() -> None:
    chunks = chunks_of(SAMPLES + b"\1\1", 100)
    assert [len(chunk) for chunk in chunks] == [3200, 3200, 3200]
    assert b"".join(chunks) == SAMPLES + b"\1\1" + bytes(3198)


@pytest.mark.parametrize("milliseconds", [20, 33, 750])
def test_chunks_are_whole_samples_within_the_size_limits(milliseconds: int) -> None:
    sizes = {len(chunk) for chunk in chunks_of(silence(2), milliseconds)}
    [size] = sizes
    assert size % 2 == 0
    assert 100 <= size <= 24_000


class Clock:
    """Time that advances only by sleeping."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_each_chunk_is_yielded_when_its_last_sample_would_have_been_spoken() -> None:
    clock = Clock()
    times = [
        clock.now - 50
        for _ in in_real_time(chunks_of(silence(0.4), 100), clock=clock, sleep=clock.sleep)
    ]
    assert times == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_slow_consumer_catches_up_and_the_schedule_does_not_drift() -> None:
    clock = Clock()
    times: list[float] = []
    for number, _ in enumerate(
        in_real_time(chunks_of(silence(0.6), 100), clock=clock, sleep=clock.sleep)
    ):
        times.append(clock.now - 50)
        clock.now += 0.25 if number == 1 else 0.01
    assert times == pytest.approx([0.1, 0.2, 0.45, 0.46, 0.5, 0.6])


def test_the_sample_speech_has_the_required_format() -> None:
    samples = read_recording(WAV)
    assert 15 <= duration_seconds(samples) <= 25
    assert len(SENTENCES) == 5
    assert len(words_of(" ".join(SENTENCES))) == 43


def test_the_sample_speech_has_a_pause_after_each_sentence() -> None:
    """At least 0.9 s in which nothing is louder than one part in a hundred."""
    samples = struct.unpack(f"<{len(read_recording(WAV)) // 2}h", read_recording(WAV))
    pauses, quiet = 0, 0
    for sample in samples:
        quiet = quiet + 1 if abs(sample) < 328 else 0
        pauses += quiet == 14_400
    assert pauses == len(SENTENCES)
