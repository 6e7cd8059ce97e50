"""How much later a caption comes because it is kept before it is posted.

Ten listeners in five languages, on stand-ins for DynamoDB, Translate and @connections that each
take a given time. Captions that are kept and captions that are not alternate; each one's time is
that of its first post and of its last one.
"""

import argparse
import contextlib
import io
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "handlers")]

from benchmarks.crowd import captioning, transcript  # noqa: E402
from live_sessions.aws.http import NO_HEADERS, AwsHttp, Response  # noqa: E402
from live_sessions.aws.runtime import SYSTEM_CLOCK  # noqa: E402
from live_sessions.captions.captioning import Captioning  # noqa: E402
from live_sessions.captions.history import CaptionTable, History  # noqa: E402
from live_sessions.captions.pages import CaptionPosts  # noqa: E402
from live_sessions.wire.sockets import Sockets  # noqa: E402

LISTENERS = 10


class TimedPosts:
    """@connections, which notes when each post begins."""

    def __init__(self, post_seconds: float) -> None:
        self.begun: list[float] = []
        self._post_seconds = post_seconds

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        """One post."""
        self.begun.append(time.perf_counter())
        time.sleep(self._post_seconds)
        return Response(200, b"")


class SlowTable:
    """DynamoDB, which takes a while for each batch; counts batches and rows."""

    def __init__(self, batch_seconds: float) -> None:
        self.batches = self.rows = 0
        self._batch_seconds = batch_seconds

    def batch_write_item(self, *, RequestItems: Mapping[str, list[Any]]) -> Mapping[str, Any]:
        """One batch."""
        self.batches += 1
        self.rows += sum(map(len, RequestItems.values()))
        time.sleep(self._batch_seconds)
        return {"UnprocessedItems": {}}


def measure(way: Captioning, posts: TimedPosts, sequence: int) -> tuple[float, float]:
    """Milliseconds from the transcript to the first post and to the last."""
    posts.begun.clear()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # its metrics
        way.caption(transcript(sequence))
    return (min(posts.begun) - began) * 1000, (max(posts.begun) - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--batch", type=float, default=10, metavar="MS", help="of DynamoDB (10)")
    parser.add_argument("--post", type=float, default=20, metavar="MS", help="of a post (20)")
    arguments = parser.parse_args()
    posts, table = TimedPosts(arguments.post / 1000), SlowTable(arguments.batch / 1000)
    departures = SimpleNamespace(remove=lambda gone, *_, **__: 0)
    without = replace(
        captioning("http://127.0.0.1:9", LISTENERS, cast(Any, None)),
        posts=CaptionPosts(
            Sockets(cast(AwsHttp, posts), SYSTEM_CLOCK), cast(Any, departures), SYSTEM_CLOCK
        ),
    )
    kept = CaptionTable(cast(Any, table), "captions")
    ways = {
        "without history": without,
        "with history": replace(
            without,
            history=History(table=kept, minutes=2, clock=SYSTEM_CLOCK, keeps_transcripts=False),
        ),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for sequence in range(arguments.rounds):
        for number, (name, way) in enumerate(ways.items()):
            taken[name].append(measure(way, posts, 2 * sequence + number))
    print(
        f"{LISTENERS} listeners, {arguments.batch:g} ms per batch, {arguments.post:g} ms per post"
    )
    print(f"  {'':16} {'first post, median ms':>22} {'last post, median ms':>21}")
    for name, figures in taken.items():
        first, last = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"  {name:16} {first:22.1f} {last:21.1f}")
    later = [
        statistics.median(b[index] - a[index] for a, b in zip(*taken.values(), strict=True))
        for index in range(2)
    ]
    print(f"  with history: first post {later[0]:.1f} ms later, last post {later[1]:.1f} ms later")
    batches, rows = table.batches / arguments.rounds, table.rows / arguments.rounds
    print(f"  a final caption: {rows:g} rows in {batches:.1f} batches")


if __name__ == "__main__":
    main()
