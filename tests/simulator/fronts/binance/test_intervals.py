"""Bars begin and end where the calendar says, in any time zone."""

from datetime import UTC, datetime

import pytest

from brokerwire.simulator.fronts.binance.intervals import HOUR_NS, INTERVALS, MINUTE_NS, parse_zone


def ns(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("name", "opens", "ends"),
    [
        ("1s", (2026, 11, 20, 13, 47, 9), (2026, 11, 20, 13, 47, 10)),
        ("1m", (2026, 11, 20, 13, 47), (2026, 11, 20, 13, 48)),
        ("4h", (2026, 11, 20, 12), (2026, 11, 20, 16)),
        ("1d", (2026, 11, 20), (2026, 11, 21)),
        ("1w", (2026, 11, 16), (2026, 11, 23)),
        ("1M", (2026, 11, 1), (2026, 12, 1)),
    ],
)
def test_bar_holds_its_moment_between_open_and_end(name, opens, ends):
    interval = INTERVALS[name]
    open_ns = interval.open_ns(ns(2026, 11, 20, 13, 47, 9) + 5)
    assert (open_ns, interval.end_ns(open_ns)) == (ns(*opens), ns(*ends))


def test_zone_moves_days_and_months():
    eight = 8 * HOUR_NS
    assert INTERVALS["1d"].open_ns(ns(2026, 11, 20, 17), eight) == ns(2026, 11, 20, 16)
    month = INTERVALS["1M"].open_ns(ns(2026, 10, 31, 20), eight)
    assert month == ns(2026, 10, 31, 16)
    assert INTERVALS["1M"].end_ns(month, eight) == ns(2026, 11, 30, 16)


def test_steps_back_count_months_by_the_calendar():
    assert INTERVALS["1M"].steps_back(ns(2026, 3, 1), 3) == ns(2025, 12, 1)
    assert INTERVALS["1m"].steps_back(ns(2026, 3, 1), 2) == ns(2026, 3, 1) - 2 * MINUTE_NS


def test_every_documented_interval_exists():
    assert " ".join(INTERVALS) == "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"


@pytest.mark.parametrize(
    ("text", "minutes"), [("8", 480), ("-1:00", -60), ("+05:45", 345), ("0", 0), ("14:00", 840), (" 8:00", 480)]
)
def test_zone_is_read_in_hours_or_hours_and_minutes(text, minutes):
    assert parse_zone(text) == minutes * MINUTE_NS


@pytest.mark.parametrize("text", ["15", "-12:30", "x", "5:75", ""])
def test_zone_out_of_range_is_none(text):
    assert parse_zone(text) is None
