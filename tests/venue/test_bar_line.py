from brokerwire.events import Bar, Topic, stamp
from brokerwire.venue.bar_line import BarLine, as_backfill

TOPIC = Topic("bar", "X", "1m")


def bar(minute: int, close: float = 1.0, *, is_closed: bool = False, received_ns: int = 1) -> Bar:
    found = Bar("v", "X", None, received_ns, "1m", minute, 1.0, 2.0, 0.5, close, is_closed=is_closed)
    stamp(found, TOPIC, {"Close": close})
    return found


def test_a_bar_that_says_nothing_new_is_dropped() -> None:
    line = BarLine()
    assert line.take(bar(1)) == (bar(1),)
    assert line.take(bar(1, received_ns=9)) == ()
    assert line.take(bar(1, 1.5)) == (bar(1, 1.5),)
    assert line.take(bar(1, 1.5, is_closed=True)) == (bar(1, 1.5, is_closed=True),)
    assert line.take(bar(1, 1.5, is_closed=True)) == ()


def test_a_close_that_is_missing_is_made_up_when_the_next_bar_begins() -> None:
    line = BarLine()
    line.take(bar(1, 1.5))
    closed, following = line.take(bar(2, received_ns=7))
    assert (closed.open_time_ns, closed.is_closed, closed.close, closed.time_ns) == (1, True, 1.5, 2)
    assert (closed.topic, closed["Close"], closed.received_ns) == (TOPIC, 1.5, 7)
    assert following.open_time_ns == 2


def test_a_late_close_corrects_and_a_late_forming_bar_is_dropped() -> None:
    line = BarLine()
    line.start([bar(1, is_closed=True), bar(2)])
    assert line.take(bar(1, 1.7, is_closed=True)) == (bar(1, 1.7, is_closed=True),)
    assert line.take(bar(1)) == ()
    assert [found.is_closed for found in line.take(bar(3))] == [True, False]


def test_a_bar_of_the_past_is_marked_and_still_the_venues_message() -> None:
    filled = as_backfill(bar(1, 1.5, is_closed=True))
    assert (filled.origin, filled.topic, filled["Close"]) == ("backfill", TOPIC, 1.5)
