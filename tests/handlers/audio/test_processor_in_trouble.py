"""Each call of the processor to DynamoDB fails in each way: no word is lost, none is said twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from live_sessions.audio.slots import LEASE_SECONDS
from tests.handlers.audio.broadcast import Broadcast
from tests.handlers.audio.test_audio_processor import CHUNK_SECONDS, speech
from tests.handlers.conftest import Stage

WORDS = 28
LONG = 60


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:inner:detail"}}, "UpdateItem")


def time_out() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://dynamodb")


FATES: dict[str, tuple[Callable[[], Exception], bool]] = {
    "throttled": (lambda: refusal("ThrottlingException"), False),
    "denied": (lambda: refusal("AccessDeniedException"), False),
    "timed out before": (time_out, False),
    "timed out after": (time_out, True),
}


class Line:
    """The processor's way to DynamoDB; a call fails of which `fails` says so, by its number."""

    def __init__(self, fate: str) -> None:
        self.calls: list[str] = []
        self.fails: Callable[[int], bool] = lambda number: False
        self._client: Any = None
        self._failure, self._is_carried_out = FATES[fate]

    def to(self, client: Any) -> Line:
        self._client = client
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **arguments: Any) -> Any:
        self.calls.append(arguments["TableName"])
        if not self.fails(len(self.calls)):
            return self._client.update_item(**arguments)
        if self._is_carried_out:
            self._client.update_item(**arguments)
        raise self._failure()


def on_the_line(
    stage: Stage, fate: str = "throttled", words: int = WORDS
) -> tuple[Broadcast, Line]:
    line = Line(fate)
    broadcast = Broadcast(stage, line=line.to)
    broadcast.says(speech(words), chunk_seconds=CHUNK_SECONDS)
    return broadcast, line


def require_every_word_once(broadcast: Broadcast) -> None:
    assert broadcast.words() == list(range(1, WORDS + 1))
    numbers = [each.sequence for each in broadcast.finals()]
    assert numbers == sorted(set(numbers))
    assert broadcast.left_in_queues() == 0


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("number", range(1, 9))
def test_whichever_call_fails_every_word_is_said_once(stage: Stage, number: int, fate: str) -> None:
    """Taking, the first renewal, further ones, and the release: two calls each."""
    broadcast, line = on_the_line(stage, fate)
    broadcast.limit_seconds = 9
    line.fails = lambda made: made == number
    broadcast.run(stops_after=3)
    assert len(broadcast.runs) > 2
    assert len(broadcast.failures) == (number <= 2)
    require_every_word_once(broadcast)


@pytest.mark.parametrize("seconds", [3, 6])
def test_an_outage_shorter_than_what_is_left_of_the_lease_is_not_felt(
    stage: Stage, seconds: int
) -> None:
    broadcast, line = on_the_line(stage)
    line.fails = lambda _: 8 <= broadcast.seconds < 8 + seconds
    broadcast.run()
    assert len(broadcast.runs) == 1
    require_every_word_once(broadcast)


def test_a_longer_one_costs_the_processor_and_few_words(stage: Stage) -> None:
    broadcast, line = on_the_line(stage, words=LONG)
    line.fails = lambda _: 8 <= broadcast.seconds < 8 + 2 * LEASE_SECONDS
    broadcast.run()
    assert len(broadcast.runs) > 1
    assert broadcast.runs[0][1] <= 8 + LEASE_SECONDS
    said = broadcast.words()
    assert said == sorted(set(said))
    assert LONG - len(said) <= 4
    assert said[-1] == LONG


@pytest.mark.parametrize("seconds", [5, 20])
def test_an_outage_of_the_queue_only_delays(stage: Stage, seconds: int) -> None:
    broadcast, _ = on_the_line(stage)
    broadcast.queues.is_out = lambda: 8 <= broadcast.seconds < 8 + seconds
    broadcast.run()
    require_every_word_once(broadcast)
    assert len(broadcast.runs) == 1
