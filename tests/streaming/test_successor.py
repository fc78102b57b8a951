from collections.abc import Sequence

from brokerwire.errors import InvalidSymbolError
from brokerwire.events import Depth, Event, Quote, Topic, Trade, tie
from brokerwire.streaming.memory import says_the_same
from brokerwire.streaming.successor import QUIET_S, Successor, position_of
from brokerwire.venue import Accepted, GapFound, Ready, Refused

TRADES = Topic("trade", "A")
QUOTES = Topic("quote", "A")
BOOK = Topic("depth", "A")


def trade(number: int) -> Trade:
    event = Trade("v", "A", None, number, 1.0, 1.0, "buy", number)
    tie(event, "_topic", TRADES)
    return event


def quote(bid: float, received_ns: int = 0) -> Quote:
    event = Quote("v", "A", None, received_ns, bid)
    tie(event, "_topic", QUOTES)
    return event


def book(sequence: int, *, is_snapshot: bool = False) -> Depth:
    event = Depth("v", "A", None, 0, (), (), is_snapshot, sequence)
    tie(event, "_topic", BOOK)
    return event


class Delivered:
    """Stands for what the first connection has delivered."""

    def __init__(self) -> None:
        self.last: dict[Topic, Event] = {}

    def __call__(self, topic: Topic) -> Event | None:
        return self.last.get(topic)


def test_numbered_events_go_over_once_the_old_connection_has_reached_the_first_of_the_new() -> None:
    delivered = Delivered()
    successor = Successor([TRADES], delivered, now=lambda: 0.0)
    successor.on_signal(Accepted((TRADES,)))
    delivered.last[TRADES] = trade(5)
    successor.route([trade(8), trade(9)])
    assert not successor.is_complete
    delivered.last[TRADES] = trade(7)
    assert successor.is_complete
    delivered.last[TRADES] = trade(8)
    assert [event.received_ns for event in successor.news(TRADES, lambda _: None)] == [9]


def test_nothing_goes_over_before_the_venue_has_accepted() -> None:
    successor = Successor([TRADES], Delivered(), now=lambda: 0.0)
    assert not successor.is_complete
    successor.on_signal(Accepted((TRADES,)))
    assert successor.is_complete


def test_a_snapshot_channel_waits_for_its_snapshot_even_if_it_is_empty() -> None:
    orders = Topic("order", "account")
    successor = Successor([orders], Delivered(), now=lambda: 0.0)
    successor.on_signal(Accepted((orders,)))
    assert not successor.is_complete
    successor.on_signal(Ready(orders))
    assert successor.is_complete


def test_a_book_that_begins_with_a_snapshot_may_jump_ahead() -> None:
    delivered = Delivered()
    delivered.last[BOOK] = book(10)
    successor = Successor([BOOK], delivered, now=lambda: 0.0)
    successor.on_signal(Accepted((BOOK,)))
    successor.route([book(20, is_snapshot=True), book(21)])
    assert successor.is_complete
    assert [position_of(event) for event in successor.news(BOOK, lambda _: None)] == [20, 21]


def test_events_without_numbers_go_over_as_differences() -> None:
    delivered = Delivered()
    delivered.last[QUOTES] = quote(1.0, 5)
    successor = Successor([QUOTES], delivered, now=lambda: 0.0)
    successor.on_signal(Accepted((QUOTES,)))
    successor.route([quote(0.5, 6), quote(1.0, 7)])
    assert successor.news(QUOTES, lambda _: quote(1.0, 5)) == []
    successor.route([quote(2.0, 8)])
    assert [event.received_ns for event in successor.news(QUOTES, lambda _: quote(1.0, 5))] == [8]


def test_a_refused_topic_holds_nothing_up() -> None:
    successor = Successor([TRADES, QUOTES], Delivered(), now=lambda: 0.0)
    successor.on_signal(Accepted((TRADES,)))
    successor.on_signal(Refused(QUOTES, InvalidSymbolError("no")))
    assert successor.is_complete
    assert [refusal.topic for refusal in successor.refused] == [QUOTES]


def test_events_of_topics_that_nobody_wants_are_not_kept() -> None:
    successor = Successor([TRADES], Delivered(), now=lambda: 0.0)
    successor.route([quote(1.0)])
    assert successor.news(QUOTES, lambda _: None) == []


def test_the_same_is_said_when_only_the_times_differ() -> None:
    assert says_the_same(quote(1.0, 1), quote(1.0, 2))
    assert not says_the_same(quote(1.0), quote(2.0))
    assert not says_the_same(quote(1.0), None)
    assert not says_the_same(quote(1.0), trade(1))


def test_an_old_connection_that_is_behind_is_waited_for_while_the_new_one_is_silent() -> None:
    now = 100.0
    delivered = Delivered()
    delivered.last[TRADES] = trade(5)
    successor = Successor([TRADES], delivered, now=lambda: now)
    successor.on_signal(Accepted((TRADES,)))
    assert not successor.is_complete
    now = 104.9
    assert not successor.is_complete
    now = 105.0
    assert successor.is_complete
    successor.route([trade(9)])
    assert not successor.is_complete


class Recent:
    """Ticks as the first connection delivers them, and the session of the second one."""

    def __init__(self, *ticks: Trade) -> None:
        self.ticks = list(ticks)
        self.recalled: list[Event] = []
        self.now = 0.0
        self.successor = Successor([TRADES], self._last, recent=lambda _: tuple(self.ticks), now=lambda: self.now)
        self.successor.remind(self)  # type: ignore[arg-type]  # all that is asked of a session here is recall
        self.successor.on_signal(Accepted((TRADES,)))

    def _last(self, topic: Topic) -> Event | None:
        return self.ticks[-1] if self.ticks else None

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        self.recalled = list(newest)
        return True


def tick(number: int, received_ns: int = 1) -> Trade:
    event = Trade("v", "A", number, received_ns, 1.0, 1.0)
    tie(event, "_topic", TRADES)
    return event


def test_ticks_without_ids_go_over_once_the_history_and_what_the_old_one_delivered_have_been_heard() -> None:
    recent = Recent(tick(1), tick(2))
    assert recent.recalled == recent.ticks
    assert not recent.successor.is_complete
    recent.successor.route([tick(3, 9)])
    recent.successor.on_signal(Ready(TRADES))
    recent.ticks += [tick(3), tick(4)]
    assert not recent.successor.is_complete
    recent.successor.route([tick(4, 9), tick(4, 9), tick(5, 9)])
    assert recent.successor.is_complete
    assert [event.time_ns for event in recent.successor.news(TRADES, lambda _: None)] == [4, 5]


def test_a_history_that_does_not_come_is_not_waited_for_long() -> None:
    recent = Recent(tick(1))
    assert not recent.successor.is_complete
    recent.now = QUIET_S
    assert recent.successor.is_complete


def test_what_the_new_connection_could_not_fetch_is_kept_for_the_take_over() -> None:
    recent = Recent(tick(1))
    gap = GapFound(TRADES, None, None, "too far back")
    recent.successor.on_signal(gap)
    assert recent.successor.gaps == [gap]


def test_numbers_show_whether_the_new_connection_joins_on_without_a_hole() -> None:
    delivered = Delivered()
    successor = Successor([TRADES, QUOTES], delivered, now=lambda: 0.0)
    assert not successor.joins(TRADES)
    delivered.last |= {TRADES: trade(5), QUOTES: quote(1.0)}
    successor.route([quote(2.0)])
    assert not successor.joins(TRADES)
    assert not successor.joins(QUOTES)
    successor.route([trade(6)])
    assert successor.joins(TRADES)
    delivered.last[TRADES] = trade(4)
    assert not successor.joins(TRADES)
