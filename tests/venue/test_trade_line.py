from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.events import Event, Topic, Trade
from brokerwire.venue import GapFound
from brokerwire.venue.trade_line import NOT_IN_STEP, FillLimits, TradeLine, id_of

TOPIC = Topic("trade", "X")
LIMITS = FillLimits(page=4, most_pages=3, most_held=6)


def trade(trade_id: int, received_ns: int = 1) -> Trade:
    return Trade("v", "X", trade_id, received_ns, 1.0, 1.0, None, trade_id)


class Feed:
    """A line as a session holds it: what it delivers, says and asks for."""

    def __init__(self, *, after: int | None = None) -> None:
        self.now = 0.0
        self.expected = NOT_IN_STEP
        self.delivered: list[int] = []
        self.asked: list[tuple[int, int]] = []
        self.gaps: list[GapFound] = []
        self.line = TradeLine(TOPIC, ask=self._ask, tell=self.gaps.append, expect=self._expect, limits=LIMITS)
        if after is not None:
            self.line.recall(after)
            self.line.accepted(self.now)

    def _ask(self, first_id: int, count: int) -> None:
        self.asked.append((first_id, count))

    def _expect(self, trade_id: int) -> None:
        self.expected = trade_id

    def _keep(self, events: Sequence[Event]) -> None:
        self.delivered += [id_of(event) for event in events if isinstance(event, Trade)]

    def hear(self, *trade_ids: int) -> None:
        for trade_id in trade_ids:
            if trade_id == self.expected:
                self.expected += 1
                self.delivered.append(trade_id)
            else:
                self._keep(self.line.take(trade(trade_id), self.now, self.expected))

    def answer(self, *trade_ids: int) -> None:
        self._keep(self.line.fill([trade(trade_id, 2) for trade_id in trade_ids], self.now))

    def fail(self) -> None:
        self._keep(self.line.fill(None, self.now))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.line.deadline is not None and self.line.deadline <= end:
            self.now = max(self.now, self.line.deadline)
            self._keep(self.line.handle_timeout(self.now))
            if self.line.is_asking and self.line.deadline is not None and self.line.deadline <= self.now:
                break
        self.now = end

    def close(self) -> None:
        self._keep(self.line.handle_close())


def test_a_repeated_trade_is_dropped_and_counted() -> None:
    feed = Feed()
    feed.hear(5, 6, 6, 5, 7)
    assert feed.delivered == [5, 6, 7]
    assert feed.line.repeated == 2
    assert feed.gaps == []


def test_trades_that_change_places_wait_for_each_other_and_nothing_is_asked() -> None:
    feed = Feed()
    feed.hear(5, 8, 7)
    assert feed.delivered == [5]
    feed.pass_time(0.2)
    feed.hear(6, 9)
    assert feed.delivered == [5, 6, 7, 8, 9]
    feed.pass_time(10)
    assert (feed.asked, feed.gaps) == ([], [])


def test_a_hole_is_asked_for_and_told_as_filled() -> None:
    feed = Feed()
    feed.hear(5, 8)
    feed.pass_time(0.3)
    assert feed.asked == [(6, 2)]
    feed.hear(9, 8)
    feed.answer(6, 7)
    feed.hear(10)
    assert feed.delivered == [5, 6, 7, 8, 9, 10]
    assert feed.gaps == [GapFound(TOPIC, None, None, "what was missing was fetched", filled=True)]


def test_an_answer_that_is_behind_the_stream_is_asked_for_again_after_a_second() -> None:
    feed = Feed()
    feed.hear(5, 8)
    feed.pass_time(0.3)
    feed.answer(6)
    assert feed.delivered == [5, 6]
    feed.pass_time(0.9)
    assert len(feed.asked) == 1
    feed.pass_time(0.1)
    assert feed.asked[-1] == (7, 1)
    feed.answer(7)
    assert feed.delivered == [5, 6, 7, 8]
    assert [gap.filled for gap in feed.gaps] == [True]


def test_what_followed_the_last_trade_is_asked_for_page_by_page_without_waiting_for_another() -> None:
    feed = Feed(after=5)
    assert feed.asked == [(6, 4)]
    feed.answer(6, 7, 8, 9)
    assert feed.asked[-1] == (10, 4)
    assert feed.gaps == []
    feed.answer(10)
    assert feed.delivered == [6, 7, 8, 9, 10]
    assert [gap.filled for gap in feed.gaps] == [True]
    feed.hear(11)
    assert feed.delivered[-1] == 11


def test_a_trade_that_continues_the_last_one_needs_no_answer() -> None:
    feed = Feed(after=5)
    feed.hear(6, 7)
    assert feed.delivered == [6, 7]
    assert [gap.filled for gap in feed.gaps] == [True]
    feed.answer(6, 7)
    assert feed.delivered == [6, 7]
    assert len(feed.gaps) == 1


@pytest.mark.parametrize("how", ["fails", "takes too long", "connection ends"])
def test_what_cannot_be_filled_is_told_and_what_was_held_back_goes_on(how: str) -> None:
    feed = Feed()
    feed.hear(5, 8, 11)
    if how == "fails":
        feed.pass_time(0.3)
        feed.fail()
    elif how == "takes too long":
        feed.pass_time(4.9)
        assert feed.delivered == [5]
        feed.pass_time(0.1)
    else:
        feed.close()
    assert feed.delivered == [5, 8, 11]
    (gap,) = feed.gaps
    assert (gap.filled, gap.reason) == (False, "trades 6 to 7, 9 to 10 could not be fetched")
    feed.hear(12, 8)
    assert feed.delivered == [5, 8, 11, 12]


def test_after_an_answer_that_did_not_come_the_next_trade_is_the_first() -> None:
    feed = Feed(after=5)
    feed.fail()
    assert [(gap.filled, gap.reason) for gap in feed.gaps] == [(False, "trades from 6 on could not be fetched")]
    feed.hear(5, 9, 10)
    assert feed.delivered == [9, 10]


def test_a_hole_that_is_still_quiet_when_the_connection_ends_is_left_to_the_next_one() -> None:
    feed = Feed(after=5)
    feed.close()
    assert (feed.delivered, feed.gaps) == ([], [])


def test_ids_that_the_venue_does_not_have_are_told() -> None:
    feed = Feed()
    feed.hear(5, 9)
    feed.pass_time(0.3)
    feed.answer(7, 8)
    assert feed.delivered == [5, 7, 8, 9]
    assert [gap.reason for gap in feed.gaps] == ["trades 6 to 6 could not be fetched"]


def test_too_large_a_hole_is_filled_from_its_beginning_as_far_as_it_goes() -> None:
    feed = Feed(after=0)
    for first in (1, 5, 9):
        feed.answer(*range(first, first + 4))
    assert feed.delivered == list(range(1, 13))
    assert [gap.reason for gap in feed.gaps] == ["trades from 13 on could not be fetched"]


def test_too_many_trades_behind_a_hole_end_the_wait() -> None:
    feed = Feed()
    feed.hear(5, *range(7, 13))
    assert feed.delivered == [5, 7, 8, 9, 10, 11, 12]
    assert [gap.filled for gap in feed.gaps] == [False]


class Venue:
    """The venue's own trades, and connections to it one after the other, of which some trades are lost."""

    def __init__(self) -> None:
        self.newest = 0
        self.feed = Feed()
        self.delivered: list[int] = []
        self.unfilled: list[GapFound] = []
        self.repeats: list[int] = []

    def happen(self, fate: str) -> None:
        self.newest += 1
        if fate == "lost":
            return
        if fate == "late":
            self.repeats.append(self.newest)
            return
        self.feed.hear(self.newest)
        if fate == "doubled":
            self.feed.hear(self.newest)
        while self.repeats:
            self.feed.hear(self.repeats.pop())

    def answer(self, fate: str) -> None:
        if not self.feed.line.is_asking:
            return
        first, count = self.feed.asked[-1]
        reach = self.newest if fate == "answer" else (first + self.newest) // 2
        if fate == "no answer":
            self.feed.fail()
        else:
            self.feed.answer(*range(first, min(first + count, reach + 1)))

    def reconnect(self) -> None:
        self.feed.close()
        self._note()
        self.feed = Feed(after=self.delivered[-1] if self.delivered else None)

    def _note(self) -> None:
        self.delivered += self.feed.delivered
        self.unfilled += [gap for gap in self.feed.gaps if not gap.filled]

    def end(self) -> None:
        for _ in range(12):
            self.happen("heard")
            self.answer("answer")
            self.feed.pass_time(1.0)
        self._note()


STEPS = [
    "heard",
    "heard",
    "heard",
    "lost",
    "doubled",
    "late",
    "answer",
    "stale answer",
    "no answer",
    "time",
    "reconnect",
]


@given(steps=st.lists(st.sampled_from(STEPS), max_size=60))
def test_each_trade_comes_once_and_in_order_or_lies_in_an_unfilled_gap(steps: list[str]) -> None:
    venue = Venue()
    for step in steps:
        if step == "reconnect":
            venue.reconnect()
        elif step == "time":
            venue.feed.pass_time(2.0)
        elif "answer" in step:
            venue.answer(step)
        else:
            venue.happen(step)
    venue.end()
    assert all(old < new for old, new in pairwise(venue.delivered))
    holes = [(old + 1, new - 1) for old, new in pairwise(venue.delivered) if new > old + 1]
    told = [gap.reason for gap in venue.unfilled]
    for first, last in holes:
        assert any(f"{first} to {last}" in text or f"from {first} on" in text for text in told), (first, last, told)
    if "no answer" not in steps and "reconnect" not in steps and "time" not in steps and len(steps) < LIMITS.most_held:
        assert venue.unfilled == []
    assert venue.delivered[-1] == venue.newest
