import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.config import OVERFLOW_POLICIES
from brokerwire.errors import SlowConsumerError
from brokerwire.events import Event, Gap, Notice, Overflow, Quote, Topic, Trade, tie
from brokerwire.streaming.event_queue import EventQueue, LossMarker, Marker


def quote(symbol: str, index: int) -> Quote:
    event = Quote("v", symbol, None, index, float(index))
    tie(event, "_topic", Topic("quote", symbol))
    return event


def trade(index: int) -> Trade:
    event = Trade("v", "A", None, index, float(index), 1.0)
    tie(event, "_topic", Topic("trade", "A"))
    return event


def queue_of(policy: str, max_pending: int = 3, failures: list[SlowConsumerError] | None = None) -> EventQueue:
    return EventQueue(max_pending, policy, on_fail=(failures if failures is not None else []).append)  # type: ignore[arg-type]  # parametrised


def drain(queue: EventQueue) -> list[Event | Marker]:
    found: list[Event | Marker] = []
    while (item := queue.take()) is not None:
        found.append(item)
        if not isinstance(item, Marker):
            queue.finish()
    return found


def numbers(items: Sequence[Event | Marker]) -> list[int]:
    return [item.received_ns for item in items if isinstance(item, Event)]


def assert_accounts(queue: EventQueue) -> None:
    assert queue.received == queue.delivered + queue.dropped + queue.coalesced + queue.pending


def test_events_leave_in_the_order_they_came() -> None:
    queue = queue_of("drop_oldest")
    for index in range(3):
        queue.put(trade(index))
    assert numbers(drain(queue)) == [0, 1, 2]
    assert (queue.received, queue.delivered, queue.pending) == (3, 3, 0)


def test_full_queue_drops_oldest_and_reports_once_before_the_rest() -> None:
    queue = queue_of("drop_oldest")
    for index in range(10):
        queue.put(trade(index))
    items = drain(queue)
    assert isinstance(items[0], LossMarker)
    assert items[0].statuses() == (
        Overflow(Topic("trade", "A"), 7),
        Gap(Topic("trade", "A"), 0, 6, "the callback was too slow"),
    )
    assert numbers(items) == [7, 8, 9]
    assert queue.dropped_by_reason == {"overflow": 7}
    assert_accounts(queue)


def test_one_episode_of_losses_is_reported_once_however_long_it_lasts() -> None:
    queue = queue_of("drop_oldest", 2)
    markers = 0
    for index in range(50):
        queue.put(trade(index))
        if index % 3 == 2 and (item := queue.take()) is not None:
            markers += isinstance(item, Marker)
            if not isinstance(item, Marker):
                queue.finish()
    markers += sum(isinstance(item, Marker) for item in drain(queue))
    assert markers == 1
    queue.put(trade(99))
    queue.put(trade(100))
    queue.put(trade(101))
    assert sum(isinstance(item, Marker) for item in drain(queue)) == 1


def test_full_queue_drops_newest_and_reports_where_it_was_lost() -> None:
    queue = queue_of("drop_newest")
    for index in range(10):
        queue.put(trade(index))
    items = drain(queue)
    assert numbers(items) == [0, 1, 2]
    assert isinstance(items[3], LossMarker)
    assert items[3].dropped == 7
    assert_accounts(queue)


def test_full_queue_coalesces_to_the_newest_of_each_symbol_in_order_of_arrival() -> None:
    queue = queue_of("coalesce", 4)
    for index, symbol in enumerate("ABABA"):
        queue.put(quote(symbol, index))
    assert numbers(drain(queue)) == [3, 4]
    assert (queue.coalesced, queue.dropped) == (3, 0)
    assert_accounts(queue)


def test_coalescing_drops_the_oldest_when_every_symbol_is_another() -> None:
    queue = queue_of("coalesce", 2)
    for index, symbol in enumerate("ABC"):
        queue.put(quote(symbol, index))
    assert numbers(drain(queue)) == [1, 2]
    assert (queue.coalesced, queue.dropped) == (0, 1)


def test_failing_policy_fails_and_counts_what_did_not_fit() -> None:
    failures: list[SlowConsumerError] = []
    queue = queue_of("fail", 1, failures)
    queue.put(trade(1))
    queue.put(trade(2))
    assert len(failures) == 1
    assert "1 events were pending" in str(failures[0])
    assert_accounts(queue)


def test_blocking_policy_shuts_the_gate_and_loses_nothing() -> None:
    queue = queue_of("block", 2)
    gate: list[bool] = []
    queue.gate = gate.append
    for index in range(4):
        queue.put(trade(index))
    assert (queue.received, queue.pending, gate) == (2, 2, [False])
    assert numbers(drain(queue)) == [0, 1, 2, 3]
    assert gate == [False, True]
    assert_accounts(queue)


def test_the_event_in_hand_counts_as_pending() -> None:
    queue = queue_of("drop_oldest", 2)
    queue.put(trade(1))
    queue.put(trade(2))
    queue.take()
    assert queue.pending == 2
    queue.put(trade(3))
    assert queue.dropped == 1
    queue.finish()
    assert_accounts(queue)


def test_statuses_keep_their_place_and_take_no_room() -> None:
    queue = queue_of("drop_oldest", 1)
    queue.put_marker(Marker(Notice("before")))
    queue.put(trade(1))
    queue.put_marker(Marker(Notice("after")))
    items = drain(queue)
    assert [type(item) for item in items] == [Marker, Trade, Marker]
    assert queue.dropped == 0


def test_statuses_wait_behind_events_that_are_held_back() -> None:
    queue = queue_of("block", 1)
    queue.put(trade(1))
    queue.put(trade(2))
    queue.put_marker(Marker(Notice("last")))
    assert [type(item) for item in drain(queue)] == [Trade, Trade, Marker]


def test_dropping_all_counts_held_events_too() -> None:
    queue = queue_of("block", 1)
    queue.put(trade(1))
    queue.put(trade(2))
    queue.drop_all("closed")
    assert queue.dropped_by_reason == {"closed": 2}
    assert queue.take() is None
    assert_accounts(queue)


def test_rejected_events_are_counted_with_their_reason() -> None:
    queue = queue_of("drop_oldest")
    queue.reject("paused")
    assert queue.dropped_by_reason == {"paused": 1}
    assert_accounts(queue)


async def test_waiting_ends_with_the_next_event() -> None:
    queue = queue_of("drop_oldest")
    waiting = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    queue.put(trade(1))
    await asyncio.wait_for(waiting, 1)


async def test_waiting_on_a_filled_queue_returns_at_once() -> None:
    queue = queue_of("drop_oldest")
    queue.put(trade(1))
    await asyncio.wait_for(queue.wait(), 1)


@pytest.mark.parametrize("policy", OVERFLOW_POLICIES)
@given(steps=st.lists(st.sampled_from("PPPTSD"), max_size=60), max_pending=st.integers(1, 5))
def test_accounts_are_exact_after_every_step(policy: str, steps: list[str], max_pending: int) -> None:
    queue = queue_of(policy, max_pending)
    in_hand = 0
    for index, step in enumerate(steps):
        if step == "P":
            queue.put(quote("AB"[index % 2], index))
        elif step == "T":
            if in_hand:
                queue.finish()
            item = queue.take()
            in_hand = int(item is not None and not isinstance(item, Marker))
        elif step == "S":
            queue.put_marker(Marker(Notice("x")))
        elif index % 7 == 0:
            queue.drop_all("closed")
        assert_accounts(queue)
        assert 0 <= queue.pending <= max_pending


def test_collapsing_keeps_the_queue_that_a_task_is_draining() -> None:
    queue = queue_of("coalesce", 2)
    items = queue.items
    for index in range(5):
        queue.put(quote("A", index))
    assert queue.items is items
    assert numbers(drain(queue)) == [4]
    assert_accounts(queue)
