"""Listeners who do what docs/protocol.md says read every final caption once, whatever happens.

Joins, lost sockets, refreshes and changes of language at any moment, also between the calls of the
translation function; frames that arrive late, twice and in another order; a table that throttles
or leaves items unprocessed; an index that does not show a listener yet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from live_sessions.aws.dynamodb import plain
from tests.handlers.conftest import LambdaContext, Stage, StageClients
from tests.handlers.direct_moto import Reply, intercept
from tests.handlers.properties.world import without_logs

STEPS = 400
SEEDS = range(25)
LANGUAGES = ("en", "es", "fr")
REORDERED_CAPTIONS = 5
"""Frames overtake each other by fewer captions than this; clients ask since so many before."""

THROTTLED = Reply(
    400, {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "Slow down."}}
)


class Inline(Executor):
    """Runs each call at once, so that a run is the same each time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as problem:
            future.set_exception(problem)
        return future


class Translate:
    """Translates by naming the language."""

    def translate_text(self, *, Text: str, TargetLanguageCode: str, **_: str) -> Mapping[str, str]:
        return {"TranslatedText": f"[{TargetLanguageCode}] {Text}"}


class InlineClients(StageClients):
    def translate(self) -> Any:
        return Translate()

    @staticmethod
    def threads(workers: int) -> Executor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return Inline()


@dataclass
class Client:
    """A listener's client: what it has shown, by sequence, and what it still has to ask for."""

    connection_id: str
    language: str
    first_expected: int
    shown: dict[int, str] = field(default_factory=dict[int, str])
    questions: list[int | None] = field(default_factory=list[int | None])
    is_lost: bool = False

    def arrive(self) -> None:
        """After a join, a refresh or a change of language: ask now and once more later.

        What is still to be asked since an earlier caption stays to be asked.
        """
        since = max(0, max(self.shown) - REORDERED_CAPTIONS) if self.shown else None
        if self.questions and since is not None:
            since = min([since, *(each or 0 for each in self.questions)])
        self.questions = [since, since]

    def show(self, sequence: int, text: str) -> None:
        """A final in another language may come for a moment after a change of language."""
        self.shown.setdefault(sequence, text)


class World:
    """A session, its listeners, and everything that can go wrong between them."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.random = random.Random(seed)  # noqa: S311
        self.session_id = stage.create_session(stage.connect_speaker())
        self.translate = stage.entries["translation"]
        self.said = 0
        self.clients: list[Client] = []
        self.in_flight: list[tuple[str, int, str]] = []
        self.invisible: set[str] = set()
        self.may_interrupt = self.is_interrupting = False
        self.questions_asked = self.pages = 0

    # ---- the table

    def carry_out(self, operation: str, request: Mapping[str, Any]) -> Reply:
        """One call of DynamoDB, between which anything else may happen."""
        self.interrupt()
        if operation == "BatchWriteItem":
            return self._write(operation, request)
        reply = self.stage.tables.carry_out(operation, request)
        if operation == "Query" and "IndexName" in request:
            items = reply.content["Items"]
            seen = [each for each in items if each["connectionId"]["S"] not in self.invisible]
            reply = Reply(reply.status, {**reply.content, "Items": seen, "Count": len(seen)})
        return reply

    def _write(self, operation: str, request: Mapping[str, Any]) -> Reply:
        ((table, puts),) = request["RequestItems"].items()
        fate = self.random.random()
        if fate < 0.2:
            return THROTTLED
        written = [put for put in puts if fate >= 0.5 or self.random.random() < 0.5]
        left = [put for put in puts if put not in written]
        if written:
            self.stage.tables.carry_out(operation, {"RequestItems": {table: written}})
        return Reply(200, {"UnprocessedItems": {table: left} if left else {}})

    def kept(self, language: str = "en") -> set[int]:
        """The sequences that a listener of the language, or of any, can ask for."""
        partitions = {f"{self.session_id}#{each}" for each in ("en", language)}
        rows = [plain(item) for item in self.stage.tables.items["captions"].values()]
        return {row["sequence"] for row in rows if row["sessionLanguage"] in partitions}

    # ---- steps

    def interrupt(self) -> None:
        """Let a listener do something between two calls of the translation function."""
        if self.may_interrupt and not self.is_interrupting and self.random.random() < 0.15:
            self.is_interrupting = True
            self.random.choice([self.join, self.lose, self.come_back, self.change, self.ask])()
            self.is_interrupting = False

    def step(self) -> None:
        """One thing that happens."""
        steps = [self.say] * 4 + [self.deliver] * 4 + [self.ask] * 3
        steps += [self.join, self.leave, self.lose, self.come_back, self.come_back, self.change]
        self.random.choice(steps)()

    def say(self) -> None:
        self.said += 1
        event = {
            "sessionId": self.session_id,
            "sequence": self.said,
            "sourceLanguage": "en",
            "text": f"Sentence {self.said}.",
            "isPartial": False,
            "spokenAt": 1,
        }
        self.may_interrupt = True
        self.translate(event, LambdaContext())
        self.may_interrupt = False
        self.collect()
        # Now every index shows every listener.
        self.invisible.clear()

    def collect(self) -> None:
        """What was posted is on its way, some of it twice."""
        for connection_id, frame in self.stage.sockets.posts:
            if frame["type"] == "caption":
                posted = (connection_id, frame["sequence"], frame["text"])
                self.in_flight += [posted] * self.random.choice([1, 1, 1, 2])
        self.stage.sockets.posts.clear()

    def deliver(self) -> None:
        """Some frames arrive, in any order; those that are old arrive at last."""
        self.random.shuffle(self.in_flight)
        half = len(self.in_flight) // 2
        late, arrived = self.in_flight[:half], self.in_flight[half:]
        oldest = self.said - REORDERED_CAPTIONS
        self.in_flight = [each for each in late if each[1] > oldest]
        for connection_id, sequence, text in arrived + [each for each in late if each[1] <= oldest]:
            for client in self.clients:
                if client.connection_id == connection_id and not client.is_lost:
                    client.show(sequence, text)

    def join(self) -> None:
        if len(self.clients) >= 8:
            return
        language = self.random.choice(LANGUAGES)
        client = Client(self.stage.join(self.session_id, language), language, self.said + 1)
        if self.is_interrupting:
            # It may still get the caption that is being posted: from the history, at the latest.
            client.first_expected = self.said
            self.invisible.add(client.connection_id)
        self.clients.append(client)
        client.arrive()

    def _any(self, *, lost: bool = False) -> Client | None:
        found = [client for client in self.clients if client.is_lost == lost]
        return self.random.choice(found) if found else None

    def leave(self) -> None:
        client = self._any()
        if client is not None and len(self.clients) > 3:
            self.settle(client)
            self.stage.send(client.connection_id, "leaveSession")
            self.stage.disconnect(client.connection_id)
            self.clients.remove(client)

    def lose(self) -> None:
        """The socket is lost, and AWS may not have noticed it yet."""
        client = self._any()
        if client is None:
            return
        client.is_lost = True
        if self.random.random() < 0.5:
            self.stage.disconnect(client.connection_id)

    def come_back(self) -> None:
        """By refreshConnection on a new socket, or by another join if that is refused."""
        client = self._any(lost=True)
        if client is None:
            return
        language = self.random.choice([client.language, *LANGUAGES])
        connection_id = self.stage.connect_listener()
        where = {"sessionId": self.session_id, "targetLanguage": language}
        reply = self.stage.send(
            connection_id, "refreshConnection", connectionId=client.connection_id, **where
        )
        if reply["type"] == "error":
            assert reply["code"] == "CONNECTION_NOT_FOUND"
            assert self.stage.send(connection_id, "joinSession", **where)["type"] == "sessionJoined"
        if self.is_interrupting:
            self.invisible.add(connection_id)
        client.connection_id, client.language, client.is_lost = connection_id, language, False
        client.arrive()

    def change(self) -> None:
        client = self._any()
        if client is None:
            return
        language = self.random.choice(LANGUAGES)
        reply = self.stage.send(client.connection_id, "changeLanguage", targetLanguage=language)
        if reply["type"] == "languageChanged":
            client.language = language
            client.arrive()

    def ask(self) -> None:
        client = self._any()
        if client is not None and client.questions:
            self.answer(client)

    def answer(self, client: Client) -> None:
        """Ask the next question of the client, until the history is complete."""
        if self.is_interrupting and len(client.questions) == 1:
            return  # The second one comes some seconds later, not within a caption.
        since = client.questions[0]
        self.questions_asked += 1
        limit = self.random.choice([20, 100] if since is None else [1, 3, 20, 100])
        kept = sorted(self.kept(client.language))
        expected = kept[-limit:] if since is None else [each for each in kept if each > since]
        read: list[int] = []
        is_complete = False
        while not is_complete:
            last = read[-1] if read and since is not None else since
            asked = {"limit": limit} if last is None else {"since": last, "limit": limit}
            reply = self.stage.send(client.connection_id, "getCaptions", **asked)
            if reply["type"] == "error":
                # AWS noticed that this socket was lost: the client comes back.
                client.is_lost = True
                return
            self.pages += 1
            for caption in reply["captions"]:
                read.append(caption["sequence"])
                client.show(caption["sequence"], caption["text"])
            is_complete = reply["isComplete"]
        assert read == expected, "all that is kept when it says so, in order, and none twice"
        client.questions.pop(0)

    # ---- the end

    def settle(self, client: Client) -> None:
        """Everything arrives, and the client asks what it still has to ask."""
        while any(each[0] == client.connection_id for each in self.in_flight):
            self.deliver()
        while client.questions and not client.is_lost:
            self.answer(client)
        if client.is_lost:
            return
        expected = set(range(client.first_expected, self.said + 1))
        assert not (expected - client.shown.keys()) & self.kept()
        for sequence, text in client.shown.items():
            assert text.endswith(f"Sentence {sequence}."), "each sequence is one sentence"


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_asks_as_the_protocol_says_misses_nothing_and_reads_nothing_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    stage.environment |= {"MAX_LISTENERS_PER_SESSION": "1000", "CAPTION_HISTORY_MINUTES": "60"}
    stage.environment |= {"CONTROLS_PER_CONNECTION_PER_MINUTE": "1000000"}
    stage.clients = InlineClients(stage)
    with without_logs():
        world = World(stage, seed)
        intercept(monkeypatch, world.carry_out)
        for _ in range(STEPS):
            world.step()
        for client in world.clients:
            while client.is_lost:
                world.come_back()
            world.settle(client)
    assert world.said > STEPS // 8
    assert world.pages > world.questions_asked > STEPS // 20
