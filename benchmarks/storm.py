"""Speakers who all begin to speak at once on a fresh local cloud, each with a listener.

What is refused, what is lost and how late captions are, with the workers and the memory that it
takes. Speakers send a chunk each 100 ms, whatever becomes of the ones before. With `--scripted`
they speak numbers, which the stand-in hears exactly and for little processor time; else the sample
recording, which is recognised.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from client.people import CHUNK_MILLISECONDS, Listener, Speaker  # noqa: E402
from client.recordings import SAMPLE_RATE_HZ, duration_seconds, read_recording  # noqa: E402
from client.sockets import Frame  # noqa: E402
from contract import metrics  # noqa: E402
from local.cloud import LocalCloud  # noqa: E402
from local.run import LEAST_TIME_LIMIT_SECONDS  # noqa: E402
from local.sample_speech import SENTENCES, WAV  # noqa: E402
from local.speech.recognisers import Recognition  # noqa: E402

LOSSES = (
    metrics.CHUNKS_LOST,
    metrics.CHUNKS_DISCARDED,
    metrics.CHUNKS_OVER_RATE,
    metrics.CHUNKS_NOT_TRANSCRIBED,
    metrics.TRANSCRIPTS_FAILED,
)
REPLY_SECONDS = 120.0
CAPTION_SECONDS = 240.0
LAST_CAPTION_SECONDS = 90.0
MEASURE_SECONDS = 0.5
SETTLING_SECONDS = 3.0  # for the chunks of silence at the end, and for errors
SCRIPTED_SENTENCES = 10
WORDS = 10
WORD_MILLISECONDS, GAP_MILLISECONDS, PAUSE_MILLISECONDS = 80, 20, 800


class Speech(NamedTuple):
    """What is spoken. A sentence of numbers is in captions that have all of them."""

    samples: bytes
    sentences: int
    is_scripted: bool

    def sentences_in(self, captions: Sequence[Frame]) -> int:
        """How many of the sentences came, whole, in one caption or in several."""
        if not self.is_scripted:
            return min(self.sentences, len(captions))
        heard = {int(word) for caption in captions for word in caption["text"].split()}
        spoken = [set(range(1 + WORDS * n, 1 + WORDS * (n + 1))) for n in range(self.sentences)]
        return sum(words <= heard for words in spoken)


class Usage(NamedTuple):
    """The emulator's processes besides its server, and the memory of both."""

    workers: int
    server_megabytes: float
    workers_megabytes: float


@dataclass
class Broadcast:
    """One speaker and their listener."""

    speaker: Speaker
    listener: Listener
    chunks: int = 0

    def speak(self, samples: bytes) -> None:
        """Send the samples in real time."""
        self.chunks = self.speaker.speak(samples)

    @property
    def refused(self) -> list[Frame]:
        """The chunks that were answered with an error, the gateway's own among them."""
        return [
            frame
            for frame in self.speaker.received()
            if frame.type == "error" or ("message" in frame.body and not frame.type)
        ]


class Usages:
    """Measures the processes of an emulator from time to time, on a thread of its own."""

    def __init__(self, process_id: int) -> None:
        self.all: list[Usage] = []
        self._process_id = process_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> "Usages":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _measure(self) -> None:
        while not self._over.wait(MEASURE_SECONDS):
            self.all.append(usage_of(self._process_id))


def usage_of(group_id: int) -> Usage:
    """The processes of a group, from /proc; the memory that they share is counted once."""
    page_megabytes = os.sysconf("SC_PAGE_SIZE") / 2**20
    server, workers = 0.0, []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
            resident, shared = map(int, (path / "statm").read_text().split()[1:3])
        except OSError:  # it has ended
            continue
        if int(group) != group_id or state == "Z":
            continue
        if int(path.name) == group_id:
            server = resident * page_megabytes
        else:
            workers.append((resident - shared) * page_megabytes)
    # One of them is the process that the others are forked from.
    return Usage(max(0, len(workers) - 1), server, sum(workers))


def recording() -> Speech:
    """The sample recording, with a second of silence behind it."""
    silence = bytes(2 * SAMPLE_RATE_HZ)
    return Speech(read_recording(WAV) + silence, len(SENTENCES), is_scripted=False)


def script(sentences: int = SCRIPTED_SENTENCES) -> Speech:
    """Sentences of numbers; each has its own."""

    def held(value: int, milliseconds: int) -> bytes:
        return value.to_bytes(2, "little") * (SAMPLE_RATE_HZ * milliseconds // 1000)

    numbers = itertools.count(1)
    samples = b""
    for _ in range(sentences):
        for number in itertools.islice(numbers, WORDS):
            samples += held(number, WORD_MILLISECONDS) + held(0, GAP_MILLISECONDS)
        samples += held(0, PAUSE_MILLISECONDS)
    return Speech(samples, sentences, is_scripted=True)


def broadcasts(cloud: LocalCloud, count: int) -> Iterator[Broadcast]:
    """Sessions, each with a speaker who is a user of their own and with a listener."""
    for number in range(count):
        token = cloud.token_of_another_speaker()
        speaker = cloud.speaker(f"speaker-{number}", token=token)
        created = speaker.ask("createSession", REPLY_SECONDS, sourceLanguage="en")
        listener = cloud.listener(f"listener-{number}")
        joined = {"sessionId": created["sessionId"], "targetLanguage": "en"}
        listener.ask("joinSession", REPLY_SECONDS, **joined)
        yield Broadcast(speaker, listener)


def wait_for_captions(made: Sequence[Broadcast], speech: Speech) -> None:
    """Wait until all have come, or none has for a while."""
    deadline = time.monotonic() + CAPTION_SECONDS
    came, quiet_since = -1, time.monotonic()
    while time.monotonic() < min(deadline, quiet_since + LAST_CAPTION_SECONDS):
        captions = [each.listener.captions() for each in made]
        if all(speech.sentences_in(each) >= speech.sentences for each in captions):
            return
        if sum(map(len, captions)) != came:
            came, quiet_since = sum(map(len, captions)), time.monotonic()
        time.sleep(MEASURE_SECONDS)


def wait_until_processors_end(cloud: LocalCloud, count: int) -> None:
    """Until each has logged what it counted last."""
    deadline = time.monotonic() + LAST_CAPTION_SECONDS
    while time.monotonic() < deadline:
        lines = cloud.function_log("audio_processor")
        if sum(line.text.startswith("REPORT") for line in lines) >= count:
            return
        time.sleep(MEASURE_SECONDS)


def lost_on_the_way(cloud: LocalCloud) -> Counter[str]:
    """What the processors counted of the chunks that had been accepted."""
    names = [each.name for each in LOSSES]
    counts: Counter[str] = Counter()
    for line in cloud.function_log("audio_processor"):
        for name in names:
            values = line.fields.get(name, []) if line.is_metrics else []
            counts[name] += round(sum(values if isinstance(values, list) else [values]))
    return +counts


def show(
    made: Sequence[Broadcast],
    speech: Speech,
    usages: Sequence[Usage],
    began: float,
    lost: Counter[str],
) -> bool:
    """Print the figures; whether nothing was lost."""
    chunks = sum(each.chunks for each in made)
    refusals = [frame for each in made for frame in each.refused]
    reasons = Counter(frame.get("code") or frame.get("message") for frame in refusals)
    expected = len(made) * speech.sentences
    captions = [speech.sentences_in(each.listener.captions()) for each in made]
    last = [each.listener.captions()[-1].received_at for each in made if each.listener.captions()]
    spoken = duration_seconds(speech.samples)
    print(f"chunks     {chunks}, refused {len(refusals)} {dict(reasons) or ''}".rstrip())
    print(f"           lost {dict(lost) or 0} after they were accepted")
    print(f"sentences  {sum(captions)} of {expected}; by speaker {captions}")
    if last:
        late = [max(0.0, at - began - spoken) for at in last]
        print(
            f"last ones  median {statistics.median(late):.1f} s after the end,"
            f" {max(late):.1f} s at most"
        )
    texts = [caption["text"] for each in made for caption in each.listener.captions()]
    print(f"captions   {len(texts)}, {sum(not text.startswith('[') for text in texts)} recognised")
    print(f"workers    {max(each.workers for each in usages)} at most")
    print(
        f"memory     server {usages[0].server_megabytes:.0f} MB before,"
        f" {usages[-1].server_megabytes:.0f} MB after;"
        f" workers {max(each.workers_megabytes for each in usages):.0f} MB at most"
    )
    return not refusals and not lost and sum(captions) == expected


def storm(speakers: int, speech: Speech) -> bool:
    """Run one; whether nothing was lost."""
    recognition = Recognition.NUMBERS if speech.is_scripted else Recognition.SPEECH
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCloud(
            Path(folder),
            recognition=recognition,
            least_time_limit_seconds=LEAST_TIME_LIMIT_SECONDS,
        ) as cloud,
        Usages(cloud.emulator.process_id) as usages,
    ):
        made = list(broadcasts(cloud, speakers))
        usages.all.append(usage_of(cloud.emulator.process_id))
        print(
            f"{speakers} speakers at once, {duration_seconds(speech.samples):.0f} s,"
            f" {CHUNK_MILLISECONDS} ms a chunk,"
            f" {'scripted' if speech.is_scripted else 'real'} recognition, {os.cpu_count()} cores"
        )
        began = time.monotonic()
        with ThreadPoolExecutor(speakers) as pool:
            list(pool.map(lambda each: each.speak(speech.samples), made))
        wait_for_captions(made, speech)
        time.sleep(SETTLING_SECONDS)
        for each in made:
            each.speaker.ask("endSession", REPLY_SECONDS)
        wait_until_processors_end(cloud, len(made))
        return show(made, speech, usages.all, began, lost_on_the_way(cloud))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speakers", type=int, default=None, help="5, or 20 if scripted")
    parser.add_argument("--scripted", action="store_true", help="numbers instead of speech")
    arguments = parser.parse_args()
    speakers = arguments.speakers or (20 if arguments.scripted else 5)
    speech = script() if arguments.scripted else recording()
    return 0 if storm(speakers, speech) else 1


if __name__ == "__main__":
    sys.exit(main())
