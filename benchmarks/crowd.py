"""A caption to a crowd: pages of listeners in functions of their own, compared with one function.

5,000 listeners in five languages on a stand-in for @connections, which answers each post after a
given latency. Each function is a process of its own, as on Lambda, but with as much of the machine
as it gets. Both ways alternate; the ratios come from the same round.
"""

import argparse
import contextlib
import io
import os
import queue
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NamedTuple, cast

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "handlers")]
for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
    os.environ.setdefault(name, "benchmark")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")

import msgspec  # noqa: E402

from benchmarks.fan_out import AWS, connections  # noqa: E402
from live_sessions.aws.http import AwsHttp  # noqa: E402
from live_sessions.aws.runtime import SYSTEM_CLOCK  # noqa: E402
from live_sessions.captions.captioning import (  # noqa: E402
    DIRECT_LISTENERS,
    LIMITS,
    Captioning,
    Translator,
)
from live_sessions.captions.history import History  # noqa: E402
from live_sessions.captions.pages import (  # noqa: E402
    POST_TIMEOUT_SECONDS,
    CaptionPages,
    CaptionPosts,
)
from live_sessions.captions.transcripts import Transcript  # noqa: E402
from live_sessions.sessions.connections import Listener  # noqa: E402
from live_sessions.sessions.follow_ups import CaptionPage  # noqa: E402
from live_sessions.wire.sockets import Sockets  # noqa: E402

LANGUAGES = ("en", "es", "fr", "de", "ja")
SESSION_ID = "golden-river-482-917"
TRANSLATION_SECONDS = 0.1
FAR_AHEAD_SECONDS = 3600


class Measured(NamedTuple):
    """One caption: the listeners that were tried, and from its transcript to its last post."""

    tried: int
    functions: int
    seconds: float


class Functions:
    """Warm processes of the fan-out function, in the place of Lambda's client."""

    def __init__(self, endpoint: str, count: int) -> None:
        self._free: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()
        self._all = [
            subprocess.Popen(  # noqa: S603
                [sys.executable, __file__, "--function", endpoint],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(count)
        ]
        for function in self._all:
            cast(IO[bytes], function.stdout).readline()
            self._free.put(function)
        self.used: set[int] = set()

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        """Have a free process post a page, and wait for its counts."""
        function = self._free.get()
        self.used.add(function.pid)
        stdin = cast(IO[bytes], function.stdin)
        stdin.write(Payload + b"\n")
        stdin.flush()
        answer = cast(IO[bytes], function.stdout).readline()
        self._free.put(function)
        return {"Payload": io.BytesIO(answer)}

    def close(self) -> None:
        """End the processes."""
        for function in self._all:
            function.terminate()
            function.wait()


class Translate:
    """Amazon Translate, which takes a tenth of a second."""

    def translate_text(self, *, Text: str, TargetLanguageCode: str, **_: str) -> Mapping[str, str]:
        """The text, marked with its language."""
        time.sleep(TRANSLATION_SECONDS)
        return {"TranslatedText": f"[{TargetLanguageCode}] {Text}"}


def posts_at(endpoint: str) -> CaptionPosts:
    """The posts of one function; nobody is gone."""
    api = AwsHttp(endpoint, "execute-api", AWS, timeout_seconds=POST_TIMEOUT_SECONDS)
    departures = SimpleNamespace(remove=lambda gone, *_, **__: 0)
    return CaptionPosts(Sockets(api, SYSTEM_CLOCK), cast(Any, departures), SYSTEM_CLOCK)


def listener_pages(listeners: int) -> Callable[..., Iterator[list[Listener]]]:
    """The index of listeners, sorted by language as it is."""
    ttl = int(time.time()) + FAR_AHEAD_SECONDS
    rows = [
        Listener(
            connection_id=f"Abc{number}_-d=",
            session_id=SESSION_ID,
            target_language=LANGUAGES[number * len(LANGUAGES) // listeners],
            ttl=ttl,
        )
        for number in range(listeners)
    ]

    def pages(_: str, *, page_size: int) -> Iterator[list[Listener]]:
        for first in range(0, len(rows), page_size):
            yield rows[first : first + page_size]

    return pages


def captioning(endpoint: str, listeners: int, functions: Functions) -> Captioning:
    """The translation function with a live session."""
    session = SimpleNamespace(
        session_id=SESSION_ID,
        is_live=lambda _: True,
        listener_count=listeners,
        receive_captions=False,
        keep_transcript=False,
    )
    return Captioning(
        sessions=cast(Any, SimpleNamespace(get=lambda _: session)),
        connections=cast(Any, SimpleNamespace(listener_pages=listener_pages(listeners))),
        history=History(
            table=cast(Any, None), minutes=0, clock=SYSTEM_CLOCK, keeps_transcripts=False
        ),
        translator=Translator(cast(Any, Translate()), SYSTEM_CLOCK),
        posts=posts_at(endpoint),
        pages=CaptionPages(cast(Any, lambda: functions), "fan-out"),
        clock=SYSTEM_CLOCK,
    )


def transcript(sequence: int) -> Transcript:
    """A final one that has not been translated before."""
    return Transcript(
        session_id=SESSION_ID,
        sequence=sequence,
        source_language=LANGUAGES[0],
        text=f"Good evening, everybody, for the {sequence}. time.",
        is_partial=False,
        spoken_at=sequence,
    )


def measure(way: Captioning, functions: Functions, sequence: int) -> Measured:
    """Post one caption."""
    functions.used.clear()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # its metrics
        counts = way.caption(transcript(sequence))
    seconds = time.perf_counter() - began
    tried = counts.delivered + counts.gone + sum(counts.failures.values())
    return Measured(tried, 1 + len(functions.used), seconds)


def compare(latency_milliseconds: float, listeners: int, rounds: int) -> None:
    """Run both ways in alternating rounds and print their medians."""
    pages = -(-listeners // DIRECT_LISTENERS)
    with (
        connections(latency_milliseconds) as endpoint,
        contextlib.closing(Functions(endpoint, pages)) as functions,
    ):
        by_pages = captioning(endpoint, listeners, functions)
        one_function = replace(by_pages, direct_listeners=listeners)
        ways = {"one function": one_function, "by pages": by_pages}
        sequence = 0
        measured: dict[str, list[Measured]] = {name: [] for name in ways}
        for is_warm in (False, *[True] * rounds):
            for name, way in ways.items():
                sequence += 1
                figures = measure(way, functions, sequence)
                if is_warm:
                    measured[name].append(figures)
    show(latency_milliseconds, listeners, measured)


def show(latency_milliseconds: float, listeners: int, measured: dict[str, list[Measured]]) -> None:
    """Print the table of one latency."""
    print(
        f"{listeners} listeners in {len(LANGUAGES)} languages, {latency_milliseconds:g} ms per post"
    )
    print(f"  {'':14} {'tried':>7} {'functions':>9} {'seconds':>8} {'posts/s':>8}")
    for name, figures in measured.items():
        tried, functions, seconds = (
            statistics.median(getattr(each, field) for each in figures)
            for field in Measured._fields
        )
        rate = statistics.median(each.tried / each.seconds for each in figures)
        print(f"  {name:14} {tried:7.0f} {functions:9.0f} {seconds:8.2f} {rate:8.0f}")
    one, pages = measured.values()
    tried = statistics.median(b.tried / a.tried for a, b in zip(one, pages, strict=True))
    rates = statistics.median(
        (b.tried / b.seconds) / (a.tried / a.seconds) for a, b in zip(one, pages, strict=True)
    )
    print(
        f"  by pages: {tried:.2f} times the listeners tried, {rates:.2f} times the posts per second"
    )
    print(f"  no post of one function begins later than {LIMITS.posting} s after its translation")


def serve_pages(endpoint: str) -> None:
    """Post the pages that come by standard input, and print their counts."""
    posts = posts_at(endpoint)
    print("ready", flush=True)
    for line in sys.stdin.buffer:
        page = msgspec.json.decode(line, type=CaptionPage)
        counts = posts.post_page(page, time.monotonic() + FAR_AHEAD_SECONDS)
        print(msgspec.json.encode(counts).decode(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latencies", type=float, nargs="*", default=[20, 5], metavar="MS")
    parser.add_argument("--function", metavar="ENDPOINT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.function:
        serve_pages(arguments.function)
        return
    for latency_milliseconds in arguments.latencies:
        compare(latency_milliseconds, arguments.listeners, arguments.rounds)


if __name__ == "__main__":
    main()
