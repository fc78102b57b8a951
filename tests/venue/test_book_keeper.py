from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brokerwire.events import Depth, Event, Level, Topic
from brokerwire.venue import Accepted, GapFound, Interrupted, Ready, Signal
from brokerwire.venue.book_keeper import BookDelta, BookKeeper, BookSeed, BookSide

LEVELS = st.lists(st.tuples(st.integers(1, 30).map(float), st.integers(0, 3).map(float)), max_size=60)


@given(start=LEVELS, changes=LEVELS, sign=st.sampled_from([1, -1]))
def test_a_side_equals_a_plain_dictionary_sorted(
    start: list[tuple[float, float]], changes: list[tuple[float, float]], sign: int
) -> None:
    start = [(price, size) for price, size in dict(start).items()]
    side = BookSide(sign, start)
    side.apply(changes)
    oracle = {price: size for price, size in start if size}
    for price, size in changes:
        oracle[price] = size
        if not size:
            del oracle[price]
    ordered = sorted(oracle.items(), reverse=sign < 0)
    assert side.top(100) == tuple(Level(price, size) for price, size in ordered)
    assert side.best == (ordered[0][0] if ordered else None)
    assert side.worst == (ordered[-1][0] if ordered else None)


BOOK = Topic("depth", "X", "5")


class Market:
    """A keeper, what it says, and what it asks for."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.asked = self.planned = 0
        self.keeper = BookKeeper(
            _show,
            emit=self.signals.append,
            ask=self._ask,
            on_deadline=self._plan,
            retry_s=(1.0, 8.0),
            reseed_share=0.5,
        )
        self.keeper.topics = (BOOK,)
        self.keeper.ask_for_seed(100.0)

    def _ask(self) -> None:
        self.asked += 1

    def _plan(self) -> None:
        self.planned += 1

    def seed(self, sequence: int, now: float = 100.0) -> list[Any]:
        return list(self.keeper.seed(BookSeed(sequence, [(10.0, 1.0)], [(11.0, 1.0)], 50, b"{}"), now))

    def delta(self, first: int, last: int, now: float = 100.0, size: float = 2.0) -> list[Any]:
        return list(self.keeper.receive(BookDelta(first, last, [(10.0, size)], [], 7, 60, b"{}"), now))


def _show(bids: BookSide, asks: BookSide, **facts: Any) -> Event:
    return Depth("v", "X", facts["time_ns"], facts["received_ns"], bids.top(5), asks.top(5), sequence=facts["sequence"])


def test_a_book_is_shown_once_its_snapshot_is_there_and_then_with_each_delta() -> None:
    market = Market()
    assert market.delta(100, 101) == []
    assert [event.sequence for event in market.seed(100)] == [100, 101]
    assert market.signals == [Ready(BOOK)]
    (event,) = market.delta(102, 103, size=3.0)
    assert (event.bids, event.time_ns, event.sequence) == ((Level(10.0, 3.0),), 7, 103)


def test_a_hole_interrupts_the_book_until_a_snapshot_beyond_it_is_there() -> None:
    market = Market()
    market.seed(100)
    assert market.delta(105, 106) == []
    assert market.signals[1:] == [Interrupted(BOOK, "updates 101 to 104 of the book are missing")]
    assert (market.asked, market.keeper.deadline) == (1, 101.0)
    market.keeper.ask_for_seed(101.0)
    assert market.asked == 2
    assert [event.sequence for event in market.seed(105, 101.0)] == [105, 106]
    assert [type(signal) for signal in market.signals[2:]] == [GapFound, Accepted, Ready]


def test_a_book_that_is_distrusted_is_shown_again_after_a_snapshot_only() -> None:
    market = Market()
    market.seed(100)
    market.keeper.distrust("its checksum is another", 105.0)
    assert market.asked == 2
    assert market.delta(101, 101) == []
    assert [event.sequence for event in market.seed(100, 105.0)] == [100, 101]


def test_snapshots_that_do_not_come_are_asked_for_ever_more_slowly() -> None:
    market = Market()
    waits = []
    now = 100.0
    for _ in range(5):
        market.keeper.seed(None, now)
        assert market.keeper.deadline is not None
        waits.append(market.keeper.deadline - now)
        now = market.keeper.deadline
        market.keeper.ask_for_seed(now)
    assert waits == [2.0, 4.0, 8.0, 8.0, 8.0]
