from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from brokerwire.simulator.fronts.tradingview.grid import Grid, Sessions
from brokerwire.simulator.fronts.tradingview.resolution import parse_resolution
from brokerwire.simulator.instruments import Universe

FRIDAY = datetime(2026, 11, 20, 15, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def ns(moment):
    return int(moment.timestamp()) * 1_000_000_000


def at(value_ns, zone=UTC):
    return datetime.fromtimestamp(value_ns // 1_000_000_000, tz=zone)


def grid(symbol, resolution, calendar="real"):
    return Grid(Sessions(Universe(FRIDAY.date()).find(symbol), calendar), parse_resolution(resolution))


def test_with_the_open_calendar_a_day_is_a_utc_day_for_everything():
    low, high = grid("AAPL", "1D", "open").window_at(ns(FRIDAY))
    assert (at(low), at(high)) == (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def test_a_stocks_day_is_stamped_with_its_opening():
    low, high = grid("AAPL", "1D").window_at(ns(FRIDAY))
    assert (at(low, NEW_YORK).strftime("%H:%M"), at(high, NEW_YORK).strftime("%H:%M")) == ("09:30", "16:00")


@pytest.mark.parametrize(("symbol", "opens"), [("@ES", "18:00"), ("EURUSD", "17:00")])
def test_a_day_that_begins_in_the_evening_belongs_to_the_next_date(symbol, opens):
    low, high = grid(symbol, "1D").window_at(ns(FRIDAY))
    assert at(low, NEW_YORK).strftime("%a %H:%M") == f"Thu {opens}"
    assert at(high, NEW_YORK).strftime("%a %H:%M") == "Fri 17:00"


def test_an_hour_of_a_stock_begins_at_half_past_and_the_last_one_is_cut_by_the_close():
    windows = list(islice(grid("AAPL", "60").back(ns(datetime(2026, 11, 20, 23, tzinfo=UTC))), 7))
    opens = [at(low, NEW_YORK).strftime("%H:%M") for low, _ in reversed(windows)]
    assert opens == ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"]
    assert windows[0][1] - windows[0][0] == 30 * 60 * 1_000_000_000


def test_a_closed_market_shows_the_last_bar_before():
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    low, _ = grid("AAPL", "5").window_at(ns(sunday))
    assert at(low, NEW_YORK).strftime("%a %H:%M") == "Fri 15:55"


@pytest.mark.parametrize("resolution", ["1S", "1", "7", "45", "240", "1D", "2D", "1W", "3W", "1M", "3M", "12M"])
@pytest.mark.parametrize(("symbol", "calendar"), [("BTCUSDT", "open"), ("AAPL", "real"), ("@ES", "real")])
def test_back_and_forward_agree_and_nothing_overlaps(resolution, symbol, calendar):
    found = grid(symbol, resolution, calendar)
    windows = list(islice(found.back(ns(FRIDAY)), 40))[::-1]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(windows))
    assert list(islice(found.forward(windows[0][0]), 40)) == windows
    assert found.window_at(windows[5][0]) == windows[5]
    assert found.window_at(windows[5][1] - 1) == windows[5]


def test_weeks_begin_on_monday_and_months_on_the_first_trading_day():
    week, _ = grid("AAPL", "1W").window_at(ns(FRIDAY))
    assert at(week, NEW_YORK).strftime("%a %d %H:%M") == "Mon 16 09:30"
    month, _ = grid("AAPL", "1M").window_at(ns(FRIDAY))
    assert at(month, NEW_YORK).strftime("%d %b") == "02 Nov"
    year, _ = grid("BTCUSDT", "12M").window_at(ns(FRIDAY))
    assert at(year) == datetime(2026, 1, 1, tzinfo=UTC)
