from decimal import Decimal

import pytest

from brokerwire.events import Bar, Event, Fill, OrderUpdate, Position, Quote
from brokerwire.streaming.memory import AccountMemory, BarMemory, RecentMemory, identity, memory_for, says_the_same
from brokerwire.streaming.route import Route


class Taker:
    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.put = self.taken.append
        self.inbox: list[Event] = []

    def flush(self) -> None:
        self.taken += self.inbox
        self.inbox.clear()


def position(quantity: int, received_ns: int = 0, symbol: str = "A") -> Position:
    return Position("v", symbol, None, received_ns, "acct", Decimal(quantity), position_id=f"id-{symbol}")


def order(order_id: str, status: str, received_ns: int = 0) -> OrderUpdate:
    return OrderUpdate("v", "A", None, received_ns, "acct", order_id, None, status)  # type: ignore[arg-type]  # text


def fill(number: int) -> Fill:
    return Fill("v", "A", None, 0, "acct", "1", f"1:{number}", Decimal(10), Decimal(1))


def bar(minute: int, *, is_closed: bool) -> Bar:
    return Bar("v", "A", None, 0, "1m", minute, 1.0, 1.0, 1.0, 1.0, is_closed=is_closed)


def memory_and_taker(channel: str) -> tuple[AccountMemory | BarMemory, Taker]:
    memory, taker = memory_for(channel), Taker()
    assert isinstance(memory, AccountMemory | BarMemory)
    memory.pass_to([taker])
    return memory, taker


@pytest.mark.parametrize("channel", ["order", "bar"])
def test_several_at_once_are_taken_as_each_by_itself(channel: str) -> None:
    (alone, one), (together, other) = memory_and_taker(channel), memory_and_taker(channel)
    orders: list[Event] = [order("1", "accepted"), fill(1), order("1", "accepted", 5), order("1", "filled", 6)]
    bars: list[Event] = [
        bar(1, is_closed=False),
        bar(1, is_closed=True),
        bar(1, is_closed=True),
        bar(2, is_closed=False),
    ]
    events = orders if channel == "order" else bars
    for event in events:
        alone.put(event)
    together.put_all(events)
    assert other.taken == one.taken
    assert len(other.taken) == 3
    assert together.last_about(events[-1]) == alone.last_about(events[-1])
    together.put_all([events[-1] if channel == "order" else bars[1]])
    assert len(other.taken) == 3


def test_recent_events_are_remembered_when_they_come_at_once() -> None:
    memory, taker = RecentMemory(2), Taker()
    memory.pass_to([taker])
    memory.put_all([bar(minute, is_closed=True) for minute in (1, 2, 3)])
    assert len(taker.taken) == 3
    assert [event.open_time_ns for event in memory.events if isinstance(event, Bar)] == [2, 3]


def test_a_snapshot_told_again_is_not_news() -> None:
    memory, taker = memory_and_taker("order")
    for event in (order("1", "accepted"), fill(1), order("1", "filled", 5)):
        memory.put(event)
    memory.expect_snapshot()
    for event in (order("1", "filled", 9), fill(1)):
        memory.put(event)
    memory.end_snapshot(10)
    assert len(taker.taken) == 3


def test_a_change_during_the_outage_is_news() -> None:
    memory, taker = memory_and_taker("order")
    memory.put(order("1", "accepted"))
    memory.expect_snapshot()
    memory.put(order("1", "cancelled", 9))
    assert [event.status for event in taker.taken if isinstance(event, OrderUpdate)] == ["accepted", "cancelled"]


def test_a_position_absent_from_the_next_snapshot_was_closed() -> None:
    memory, taker = memory_and_taker("position")
    memory.put(position(5, symbol="A"))
    memory.put(position(7, symbol="B"))
    memory.put(position(0, symbol="C"))
    memory.expect_snapshot()
    memory.put(position(7, 9, symbol="B"))
    memory.end_snapshot(10)
    (closed,) = [event for event in taker.taken[3:] if isinstance(event, Position)]
    assert (closed.symbol, closed.quantity, closed.received_ns) == ("A", 0, 10)


def test_the_first_snapshot_closes_nothing() -> None:
    memory, taker = memory_and_taker("position")
    memory.put(position(5))
    memory.end_snapshot(1)
    assert len(taker.taken) == 1


def test_a_subscriber_that_comes_later_hears_what_stands() -> None:
    route = Route("position")
    early, late = Taker(), Taker()
    first: object = object()
    second: object = object()
    route.add(first, early, "acct")  # type: ignore[arg-type]  # only its identity counts here
    assert route.memory is not None
    route.memory.put(position(5))
    route.add(second, late, "acct")  # type: ignore[arg-type]  # only its identity counts here
    assert late.taken == [position(5)]
    assert len(early.taken) == 1
    assert list(route.newest("acct", "A")) == [position(5)]
    assert list(route.newest("acct", "B")) == []
    assert route.last_about(position(1)) == position(5)


def test_closed_bars_are_told_once_and_a_late_close_still_is() -> None:
    memory, taker = memory_and_taker("bar")
    for event in (bar(1, is_closed=True), bar(2, is_closed=False), bar(3, is_closed=False), bar(2, is_closed=True)):
        memory.put(event)
    memory.expect_snapshot()
    for event in (bar(1, is_closed=True), bar(2, is_closed=True), bar(3, is_closed=False)):
        memory.put(event)
    memory.end_snapshot(1)
    told = [(event.open_time_ns, event.is_closed) for event in taker.taken if isinstance(event, Bar)]
    assert told == [(1, True), (2, False), (3, False), (2, True), (3, False)]
    assert list(memory.recollection()) == []
    assert memory.last_about(bar(9, is_closed=True)) == bar(3, is_closed=False)


def test_market_data_needs_no_memory() -> None:
    assert memory_for("quote") is None


def test_events_about_different_things_have_different_identities() -> None:
    quote = Quote("v", "A", None, 0)
    assert identity(fill(1)) != identity(fill(2))
    assert identity(quote) != identity(position(1))
    assert not says_the_same(quote, None)
    assert not says_the_same(quote, position(1))


def test_the_newest_events_are_kept_and_all_are_passed_on() -> None:
    memory, taker = RecentMemory(2), Taker()
    memory.pass_to([taker])
    quotes = [Quote("v", "A", None, number, 1.0) for number in range(3)]
    assert memory.last_about(quotes[0]) is None
    for quote in quotes:
        memory.put(quote)
    assert taker.taken == quotes
    assert list(memory.events) == quotes[1:]
    assert memory.last_about(quotes[0]) is quotes[2]
    assert list(memory.recollection()) == []
