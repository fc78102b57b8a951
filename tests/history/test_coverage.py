from datetime import datetime, timedelta

import pytest
from tests.history.bars import MONDAY, bar_at, session, weekdays

from brokerwire.events import Bar
from brokerwire.history import Asked, Report, validate
from brokerwire.history.download import ns_of

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def asked_for(start: datetime, end: datetime, late: timedelta = timedelta()) -> Asked:
    return Asked(ns_of(start), ns_of(end), late_ns=ns_of(end) - ns_of(end - late))


def hours(first: int, last: int) -> list[Bar]:
    """Hourly bars of a market that never closes."""
    return [bar_at(MONDAY + number * HOUR, "1h") for number in range(first, last)]


def short(report: Report) -> list[tuple[str, int]]:
    return [(finding.text, finding.missing) for finding in report.findings if finding.kind == "short"]


def test_a_beginning_that_is_not_there_is_told() -> None:
    report = validate(hours(4, 10), asked=asked_for(MONDAY, MONDAY + 10 * HOUR))
    assert short(report) == [
        ("asked from 2026-01-05T00:00:00Z, the first bar is of 2026-01-05T04:00:00Z: 4 bars missing", 4)
    ]
    assert (report.is_clean, report.missing, report.counts["short"]) == (False, 4, 1)
    assert report.findings[0].open_time_ns == ns_of(MONDAY)


def test_an_end_that_is_not_there_is_told() -> None:
    report = validate(hours(0, 7), asked=asked_for(MONDAY, MONDAY + 10 * HOUR))
    assert short(report) == [
        ("asked up to 2026-01-05T10:00:00Z, the last bar is of 2026-01-05T06:00:00Z: 3 bars missing", 3)
    ]
    assert report.findings[0].open_time_ns == ns_of(MONDAY + 6 * HOUR)


def test_both_ends_and_gaps_are_counted_apart() -> None:
    report = validate([*hours(3, 5), *hours(7, 9)], asked=asked_for(MONDAY, MONDAY + 12 * HOUR))
    assert (report.missing, report.counts["short"], report.counts["gap"]) == (3 + 2 + 3, 2, 1)
    lines = str(report).splitlines()
    assert lines[1] == "short of what was asked for: 6 bars missing"
    assert lines[-2] == "gaps: 1, 2 bars missing"
    assert "log in, take a larger plan" in str(report)
    assert "ask again later" in str(report)


def test_nothing_at_all_is_told_with_what_was_asked_for() -> None:
    report = validate([], symbol="BTCUSDT", interval="1h", asked=asked_for(MONDAY, MONDAY + DAY))
    assert (report.symbol, report.is_clean, report.missing) == ("BTCUSDT", False, 24)
    assert short(report) == [("asked for 2026-01-05T00:00:00Z to 2026-01-06T00:00:00Z, there are none", 24)]
    assert str(report).splitlines()[:3] == [
        "BTCUSDT 1h: no bars",
        "short of what was asked for: 24 bars missing",
        "  asked for 2026-01-05T00:00:00Z to 2026-01-06T00:00:00Z, there are none",
    ]
    assert "ask again later" not in str(report)


@pytest.mark.parametrize(
    "asked",
    [
        asked_for(MONDAY + HOUR, MONDAY + 11 * HOUR),
        asked_for(MONDAY + 1.5 * HOUR, MONDAY + 10.5 * HOUR),
        asked_for(MONDAY + 3 * HOUR, MONDAY + 9 * HOUR),
        asked_for(MONDAY + 2 * HOUR, MONDAY + 13 * HOUR, late=2 * HOUR),
        Asked(),
        Asked(limit=8),
        Asked(limit=9),
    ],
)
def test_an_interval_and_what_may_be_late_are_forgiven(asked: Asked) -> None:
    report = validate(hours(2, 10), asked=asked)
    assert (short(report), report.is_clean) == ([], True)
    assert report.asked == asked


def test_fewer_than_the_limit_are_told() -> None:
    report = validate(hours(0, 3), asked=Asked(limit=10))
    assert (short(report), report.missing) == ([("asked for the newest 10, there are 3", 7)], 7)
    assert "ask again later" not in str(report)
    nothing = validate([], interval="1h", asked=Asked(limit=1))
    assert short(nothing) == [("asked for the newest 1, there are 0", 1)]


STOCK = [bar for day in weekdays(5) for bar in session(day)]
"""A week of minutes of a stock."""


@pytest.mark.parametrize("start", [MONDAY, MONDAY - DAY, MONDAY - 2 * DAY])
@pytest.mark.parametrize("end", [MONDAY + 5 * DAY, MONDAY + 6 * DAY, MONDAY + 7 * DAY])
def test_nights_and_weekends_at_the_ends_are_no_wolf(start: datetime, end: datetime) -> None:
    report = validate(STOCK, asked=asked_for(start, end))
    assert (short(report), report.is_clean) == ([], True)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [(MONDAY - 3 * DAY, MONDAY + 5 * DAY, 1), (MONDAY, MONDAY + 8 * DAY, 1), (MONDAY - 9 * DAY, MONDAY + 18 * DAY, 2)],
)
def test_sessions_at_the_ends_are_missed(start: datetime, end: datetime, count: int) -> None:
    assert len(short(validate(STOCK, asked=asked_for(start, end)))) == count


def test_a_session_that_begins_late_is_missed() -> None:
    assert len(short(validate(STOCK[100:], asked=asked_for(MONDAY, MONDAY + 5 * DAY)))) == 1


def test_too_few_sessions_do_not_tell_when_the_market_is_closed() -> None:
    report = validate(session(MONDAY), asked=asked_for(MONDAY, MONDAY + DAY))
    assert len(short(report)) == 2
    assert "the same pause three times" in str(report)


def test_daily_bars_of_a_stock_are_not_missed_on_a_weekend_or_a_single_holiday() -> None:
    bars = [bar_at(day, "1d") for day in weekdays(5)]
    assert validate(bars, asked=asked_for(MONDAY - 2 * DAY, MONDAY + 7 * DAY)).is_clean
    assert validate(bars, asked=asked_for(MONDAY - 3 * DAY, MONDAY + 8 * DAY)).is_clean
    assert len(short(validate(bars, asked=asked_for(MONDAY - 4 * DAY, MONDAY + 9 * DAY)))) == 2


def test_weeks_and_months_begin_when_they_do() -> None:
    weeks = [bar_at(MONDAY + 7 * number * DAY, "1w") for number in range(10)]
    assert validate(weeks, asked=asked_for(MONDAY - 4 * DAY, MONDAY + 73 * DAY)).is_clean
    months = [bar_at(datetime(2026, month, 1), "1M") for month in range(1, 7)]
    assert validate(months, asked=asked_for(datetime(2025, 12, 20), datetime(2026, 7, 20))).is_clean
