from datetime import timedelta
from itertools import pairwise

import pytest
from tests.history.bars import MONDAY, bar_at, session, weekdays

from brokerwire.events import Bar
from brokerwire.history.download import ns_of
from brokerwire.history.intervals import missing_between, step_ns
from brokerwire.history.pauses import Pause, SessionBreaks, is_weekend_day, weekday_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OPENS = timedelta(hours=14, minutes=30)
CLOSES = OPENS + timedelta(minutes=389)
"""The first and the last bar of a session."""


def breaks_of(bars: list[Bar], *, is_daily: bool = False) -> SessionBreaks:
    step = step_ns(bars[0].interval)
    times = [bar.open_time_ns for bar in bars]
    between = [Pause(a, b, missing_between(a, b, step)) for a, b in pairwise(times)]
    return SessionBreaks([pause for pause in between if pause.missing], is_daily=is_daily)


STOCK = breaks_of([bar for day in weekdays(5) for bar in session(day)])
"""One week: four nights, no weekend."""


def test_days_of_the_week() -> None:
    assert weekday_of(0) == 3
    assert [is_weekend_day(day) for day in range(7)] == [False, False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("first", "before", "is_closed"),
    [
        (DAY + OPENS, DAY, True),
        (DAY + OPENS, CLOSES + timedelta(minutes=1), True),
        (DAY + OPENS, CLOSES, False),
        (DAY + OPENS + HOUR, DAY, False),
        (7 * DAY + OPENS, 7 * DAY, True),
        (7 * DAY + OPENS, 5 * DAY + HOUR, True),
        (7 * DAY + OPENS, 4 * DAY + CLOSES + HOUR, True),
        (7 * DAY + OPENS, 4 * DAY + CLOSES - HOUR, False),
        (3 * DAY + OPENS, 2 * DAY, False),
    ],
)
def test_a_bar_that_opens_a_session_may_end_a_pause(first: timedelta, before: timedelta, is_closed: bool) -> None:
    assert STOCK.reach_back(ns_of(MONDAY + first), ns_of(MONDAY + before)) is is_closed


@pytest.mark.parametrize(
    ("last", "until", "is_closed"),
    [
        (CLOSES, DAY, True),
        (CLOSES, DAY + OPENS, True),
        (CLOSES, DAY + OPENS + HOUR, False),
        (CLOSES - HOUR, DAY, False),
        (4 * DAY + CLOSES, 6 * DAY, True),
        (4 * DAY + CLOSES, 8 * DAY, False),
    ],
)
def test_a_bar_that_closes_a_session_may_begin_a_pause(last: timedelta, until: timedelta, is_closed: bool) -> None:
    assert STOCK.reach_on(ns_of(MONDAY + last), ns_of(MONDAY + until)) is is_closed


def test_daily_bars_pause_over_weekends() -> None:
    breaks = breaks_of([bar_at(day, "1d") for day in weekdays(5)], is_daily=True)
    assert breaks.reach_back(ns_of(MONDAY), ns_of(MONDAY - 2 * DAY))
    assert not breaks.reach_back(ns_of(MONDAY), ns_of(MONDAY - 3 * DAY))
    assert breaks.reach_on(ns_of(MONDAY + 4 * DAY), ns_of(MONDAY + 7 * DAY))
    assert not breaks.reach_on(ns_of(MONDAY + 4 * DAY), ns_of(MONDAY + 8 * DAY))


def test_a_longer_pause_that_recurs_is_known_by_its_day_of_the_week() -> None:
    week = [day for number in range(4) for day in weekdays(4, MONDAY + 7 * number * DAY)]
    breaks = breaks_of([bar for day in week for bar in session(day)])
    assert breaks.reach_back(ns_of(MONDAY + OPENS), ns_of(MONDAY - 3 * DAY))
    assert not breaks.reach_back(ns_of(MONDAY + DAY + OPENS), ns_of(MONDAY - 2 * DAY))


def test_a_market_that_never_closes_has_no_pauses() -> None:
    breaks = breaks_of([bar_at(MONDAY + number * HOUR, "1h") for number in range(200)])
    assert not breaks.reach_back(ns_of(MONDAY), ns_of(MONDAY - HOUR))
    assert not breaks.reach_on(ns_of(MONDAY), ns_of(MONDAY + HOUR))
