"""Chunks come out as they were spoken, whatever a standard queue does to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from live_sessions.audio.chunks import GAP_SECONDS, SETTLING_SECONDS, Chunk, ChunkOrder

TICK_SECONDS = 0.25
"""Exact in binary."""


def chunk(sequence: int, epoch: int = 0, connection_id: str = "old") -> Chunk:
    return Chunk(
        session_id="golden-river-482",
        stream_epoch=epoch,
        connection_id=connection_id,
        sequence=sequence,
        arrived_at=0,
        audio=bytes(100),
    )


def numbers(chunks: list[Chunk]) -> list[int]:
    return [each.sequence for each in chunks]


def added(order: ChunkOrder, *sequences: int, at: float = 0.0) -> list[int]:
    for sequence in sequences:
        order.add(chunk(sequence), at)
    return numbers(order.ready(at))


def test_chunks_in_order_do_not_wait() -> None:
    order = ChunkOrder()
    assert [added(order, sequence) for sequence in range(4)] == [[0], [1], [2], [3]]
    assert not order.is_waiting


def test_chunks_that_come_together_are_sorted() -> None:
    assert added(ChunkOrder(), 3, 1, 0, 2) == [0, 1, 2, 3]


def test_a_missing_chunk_is_waited_for_until_it_comes() -> None:
    order = ChunkOrder()
    added(order, 0)
    assert added(order, 2, 3) == []
    assert order.is_waiting
    assert added(order, 1, at=GAP_SECONDS - 0.01) == [1, 2, 3]
    assert (order.lost, order.discarded) == (0, 0)


def test_a_missing_chunk_is_waited_for_two_seconds_and_then_lost() -> None:
    order = ChunkOrder()
    added(order, 0)
    added(order, 3)
    assert order.ready(GAP_SECONDS - 0.01) == []
    assert numbers(order.ready(GAP_SECONDS)) == [3]
    assert order.lost == 2
    assert added(order, 1, 2, at=GAP_SECONDS) == []
    assert order.discarded == 2


def test_a_late_chunk_does_not_hold_up_anew_those_that_have_waited() -> None:
    order = ChunkOrder()
    added(order, 0)
    added(order, 9)
    added(order, 5, at=GAP_SECONDS - 0.1)
    assert numbers(order.ready(GAP_SECONDS)) == [5, 9]


def test_a_chunk_that_comes_twice_comes_out_once() -> None:
    order = ChunkOrder()
    assert added(order, 0, 0, 1) == [0, 1]
    assert added(order, 1, 0) == []
    assert order.discarded == 3


def test_a_chunk_over_the_rate_does_not_come_out_and_is_not_missed() -> None:
    order = ChunkOrder()
    added(order, 0)
    order.add(chunk(1), 0, dropped=True)
    assert added(order, 2) == [2]
    assert order.lost == 0


def test_a_copy_over_the_rate_does_not_cost_the_chunk() -> None:
    for dropped_first in (True, False):
        order = ChunkOrder()
        added(order, 0)
        for dropped in (dropped_first, not dropped_first):
            order.add(chunk(2), 0, dropped=dropped)
        assert added(order, 1) == [1, 2]


def test_where_audio_begins_with_another_number_one_that_is_overtaken_has_time() -> None:
    order = ChunkOrder()
    assert added(order, 41) == []
    assert added(order, 40, at=SETTLING_SECONDS / 2) == []
    assert numbers(order.ready(SETTLING_SECONDS)) == [40, 41]
    assert order.lost == 0


def test_after_a_pause_the_numbers_left_out_are_not_waited_for_long() -> None:
    order = ChunkOrder()
    added(order, 0, 1)
    order.add(chunk(30, epoch=1), 0)
    assert order.ready(SETTLING_SECONDS - 0.01) == []
    assert numbers(order.ready(SETTLING_SECONDS)) == [30]
    assert order.lost == 0


def test_a_pause_in_which_nothing_was_sent_costs_no_time() -> None:
    order = ChunkOrder()
    added(order, 0, 1)
    order.add(chunk(2, epoch=1), 0)
    assert numbers(order.ready(0)) == [2]


def test_the_new_socket_of_a_refresh_goes_on_at_once_and_the_old_one_is_heard_no_more() -> None:
    order = ChunkOrder()
    added(order, 0, 1, 2)
    order.add(chunk(0, epoch=1, connection_id="new"), 0)
    assert numbers(order.ready(0)) == [0]
    assert added(order, 3) == []
    assert order.discarded == 1
    assert (order.connection_id, order.stream_epoch, order.next_sequence) == ("new", 1, 1)


def test_the_old_socket_s_last_chunks_come_before_the_new_one_s() -> None:
    order = ChunkOrder()
    added(order, 0)
    order.add(chunk(2), 0)
    order.add(chunk(0, epoch=1, connection_id="new"), 0)
    assert order.ready(1) == []
    assert [(each.connection_id, each.sequence) for each in order.ready(GAP_SECONDS)] == [
        ("old", 2),
        ("new", 0),
    ]


def test_a_successor_goes_on_with_the_next_chunk() -> None:
    order = ChunkOrder("old", 3, 70)
    for sequence in (71, 69, 70):
        order.add(chunk(sequence, epoch=3), 0)
    assert numbers(order.ready(0)) == [70, 71]
    assert (order.lost, order.discarded) == (0, 1)


def test_the_rest_does_not_wait_for_missing_chunks() -> None:
    order = ChunkOrder()
    added(order, 0)
    added(order, 5, 3)
    assert numbers(order.rest()) == [3, 5]
    assert not order.is_waiting


# ---- against a model: each chunk comes some times, at any time


@dataclass(frozen=True)
class Delivery:
    tick: int
    chunk: Chunk
    dropped: bool


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    """Epochs of a few sockets: spoken one after another, delivered in any order or not at all."""
    spoken: list[Chunk] = []
    next_sequences = {"a": 0, "b": 0}
    epoch = -1
    for _ in range(draw(st.integers(1, 4))):
        epoch += draw(st.integers(1, 2))
        connection_id = draw(st.sampled_from(sorted(next_sequences)))
        begin = next_sequences[connection_id] + draw(st.sampled_from([0, 0, 3]))
        end = begin + draw(st.integers(1, 6))
        spoken += [chunk(number, epoch, connection_id) for number in range(begin, end)]
        next_sequences[connection_id] = end
    found: list[Delivery] = []
    for moment, each in enumerate(spoken):
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            delay = draw(st.sampled_from([0, 0, 0, 1, 4, 7, 8, 9, 20]))
            found.append(Delivery(moment + delay, each, draw(st.integers(0, 9)) == 0))
    shuffled = draw(st.permutations(found))
    return sorted(shuffled, key=lambda delivery: delivery.tick)


@dataclass
class Run:
    order: ChunkOrder = field(default_factory=ChunkOrder)
    out: list[Chunk] = field(default_factory=list[Chunk])
    first_added: dict[int, int] = field(default_factory=dict[int, int])
    deliverable: dict[int, Chunk] = field(default_factory=dict[int, Chunk])

    def add(self, delivery: Delivery) -> None:
        each = delivery.chunk
        if self._is_before_what_came_out(each) or each in self.out:
            return self.order.add(each, delivery.tick * TICK_SECONDS, dropped=delivery.dropped)
        if not delivery.dropped:
            self.deliverable[id(each)] = each
            self.first_added.setdefault(id(each), delivery.tick)
        return self.order.add(each, delivery.tick * TICK_SECONDS, dropped=delivery.dropped)

    def _is_before_what_came_out(self, each: Chunk) -> bool:
        order = self.order
        if each.connection_id == order.connection_id:
            return order.next_sequence is not None and each.sequence < order.next_sequence
        return each.stream_epoch < order.stream_epoch

    def take(self, tick: int, chunks: list[Chunk]) -> None:
        for each in chunks:
            held_seconds = (tick - self.first_added[id(each)]) * TICK_SECONDS
            assert held_seconds <= GAP_SECONDS, f"{each.sequence} was held for {held_seconds} s"
        self.out += chunks


@settings(max_examples=400, deadline=None)
@given(deliveries())
@example([Delivery(0, chunk(9, 0, "a"), False), Delivery(7, chunk(5, 0, "a"), False)])
def test_however_chunks_come_they_go_out_in_order_once_each_and_in_time(
    arrivals: list[Delivery],
) -> None:
    run = Run()
    last_tick = arrivals[-1].tick if arrivals else 0
    pending = list(arrivals)
    for tick in range(last_tick + 1):
        while pending and pending[0].tick == tick:
            run.add(pending.pop(0))
        run.take(tick, run.order.ready(tick * TICK_SECONDS))
    run.out += run.order.rest()
    keys = [(each.stream_epoch, each.sequence) for each in run.out]
    assert keys == sorted(set(keys))
    assert {id(each) for each in run.out} == run.deliverable.keys()
    assert not run.order.is_waiting
    dropped = sum(delivery.dropped for delivery in arrivals)
    assert len(run.out) <= len(arrivals) - run.order.discarded <= len(run.out) + dropped


@given(st.permutations(range(12)))
def test_a_second_of_chunks_in_any_order_loses_none(sequences: list[int]) -> None:
    order = ChunkOrder()
    out: list[int] = []
    for place, sequence in enumerate(sequences):
        out += added(order, sequence, at=place * SETTLING_SECONDS / 12)
    assert out == list(range(12))
    assert (order.lost, order.discarded) == (0, 0)
