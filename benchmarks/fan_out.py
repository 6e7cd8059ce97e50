"""Posting one frame to many connections: Sockets.post_all compared with boto3.

boto3 posts sequentially and in as many threads. All three post to a stand-in for @connections in a
separate process, with a given latency. They alternate, so that a busy machine slows all of them
equally; ratios come from the same round.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple, cast

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "handlers")]

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402

from live_sessions.aws.http import AwsHttp  # noqa: E402
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment  # noqa: E402
from live_sessions.wire.sockets import CONCURRENT_POSTS, Sockets  # noqa: E402

AWS = AwsEnvironment("eu-central-1", "AKIDEXAMPLE", "secret", "token" * 150)
FRAME = (
    b'{"type":"broadcastPaused","timestamp":1700000000000,"broadcastState":{"isActive":true,'
    b'"isPaused":true,"isMuted":false,"volume":1.0,"version":7,"lastStateChange":1700000000000}}'
)

Posting = Callable[[Sequence[str]], None]


class Measured(NamedTuple):
    """The result of one candidate in one round."""

    posts_per_second: float
    processor_microseconds_per_post: float


@contextlib.contextmanager
def connections(latency_milliseconds: float) -> Iterator[str]:
    """Start the stand-in; yield its management endpoint."""
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, str(HERE / "connections_server.py"), str(latency_milliseconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{int(cast(IO[str], server.stdout).readline())}/live"
    finally:
        server.terminate()
        server.wait()


def ours(endpoint: str) -> Posting:
    """Post with Sockets.post_all."""
    api = AwsHttp(endpoint, "execute-api", AWS, timeout_seconds=10)
    sockets = Sockets(api, SYSTEM_CLOCK)

    def post(connection_ids: Sequence[str]) -> None:
        frames = dict.fromkeys(connection_ids, FRAME)
        report = sockets.post_all(frames, until_seconds=time.monotonic() + 600)
        if len(report.delivered) != len(connection_ids):
            raise RuntimeError(f"Not every post was delivered: {dict(report.failures)}")

    return post


def boto3_posting(endpoint: str, threads: int) -> Posting:
    """Post with boto3, in this many threads."""
    api = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        region_name=AWS.aws_region,
        aws_access_key_id=AWS.aws_access_key_id,
        aws_secret_access_key=AWS.aws_secret_access_key,
        aws_session_token=AWS.aws_session_token,
        config=Config(max_pool_connections=threads, retries={"mode": "standard"}),
    )

    def post_one(connection_id: str) -> None:
        api.post_to_connection(ConnectionId=connection_id, Data=FRAME)

    def post(connection_ids: Sequence[str]) -> None:
        if threads == 1:
            for connection_id in connection_ids:
                post_one(connection_id)
            return
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(post_one, each) for each in connection_ids]:
                done.result()

    return post


def measure(post: Posting, posts: int) -> Measured:
    """Post one frame to this many connections."""
    connection_ids = [f"Abc{number}_-d=" for number in range(posts)]
    began, began_processor = time.perf_counter(), time.process_time()
    post(connection_ids)
    processor_seconds = time.process_time() - began_processor
    return Measured(posts / (time.perf_counter() - began), processor_seconds / posts * 1e6)


def compare(latency_milliseconds: float, posts: int, rounds: int) -> None:
    """Run all candidates in alternating rounds and print their medians."""
    with connections(latency_milliseconds) as endpoint:
        # Sequential posts are slow, and a fifth of them is enough to measure the rate.
        candidates = {
            "post_all": (ours(endpoint), posts),
            "boto3": (boto3_posting(endpoint, 1), max(1, posts // 5)),
            "boto3 threads": (boto3_posting(endpoint, CONCURRENT_POSTS), posts),
        }
        for post, _ in candidates.values():
            measure(post, CONCURRENT_POSTS)
        measured: dict[str, list[Measured]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name, (post, number) in candidates.items():
                measured[name].append(measure(post, number))
    show(latency_milliseconds, measured)


def show(latency_milliseconds: float, measured: dict[str, list[Measured]]) -> None:
    """Print the table of one latency."""
    heading = f"{latency_milliseconds:g} ms per post"
    print(f"{heading:16} {'posts/s':>8} {'processor µs per post':>21}")
    for name, figures in measured.items():
        rate = statistics.median(each.posts_per_second for each in figures)
        cost = statistics.median(each.processor_microseconds_per_post for each in figures)
        print(f"  {name:14} {rate:8.0f} {cost:21.0f}")
    own, plain, threads = measured.values()
    faster = statistics.median(
        one.posts_per_second / other.posts_per_second for one, other in zip(own, plain, strict=True)
    )
    cheaper = statistics.median(
        one.processor_microseconds_per_post / other.processor_microseconds_per_post
        for one, other in zip(own, threads, strict=True)
    )
    print(f"  {faster:.1f} times the sequential rate (goal: 5 or more)")
    print(f"  {cheaper:.2f} of the threads' processor time (goal: 0.33 or less)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latencies", type=float, nargs="*", default=[5, 0], metavar="MS")
    arguments = parser.parse_args()
    for latency_milliseconds in arguments.latencies:
        compare(latency_milliseconds, arguments.posts, arguments.rounds)


if __name__ == "__main__":
    main()
