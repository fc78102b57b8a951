"""Bars of any window, and which bars a request for klines asks for."""

from decimal import Decimal

from brokerwire.simulator.fronts.binance.intervals import DAY_NS, INTERVALS, MINUTE_NS, SECOND_NS
from brokerwire.simulator.fronts.binance.windows import (
    average_price,
    bar_of,
    kline_windows,
    minute_start,
    rest_kline,
    statistics_of,
)

NOW = 20_000 * DAY_NS + 90 * SECOND_NS
ONE = INTERVALS["1m"]


def opens(**options):
    options = {"now_ns": NOW, "earliest_ns": 0, "limit": 3, **options}
    return [(open_ns - 20_000 * DAY_NS) // MINUTE_NS for open_ns, _ in kline_windows(ONE, **options)]


def test_without_times_the_newest_bars_end_with_the_open_one():
    assert opens() == [-1, 0, 1]


def test_from_a_start_the_oldest_bars_that_open_from_it_on():
    assert opens(start_ns=NOW - 300 * SECOND_NS) == [-3, -2, -1]


def test_up_to_an_end_the_newest_bars():
    assert opens(end_ns=NOW - 60 * SECOND_NS) == [-2, -1, 0]


def test_between_both_from_the_start_capped_by_the_end():
    assert opens(start_ns=NOW - 90 * SECOND_NS, end_ns=NOW - 30 * SECOND_NS) == [0, 1]


def test_nothing_is_older_than_the_listing():
    assert opens(start_ns=0, earliest_ns=20_000 * DAY_NS) == [0, 1]
    assert opens(limit=500, earliest_ns=20_000 * DAY_NS) == [0, 1]


def test_minute_is_the_whole_one_before():
    assert minute_start(NOW) == NOW - 30 * SECOND_NS


async def test_bar_without_trades_stands_still_at_the_price_before(desk):
    trade = desk.market.last_trade("BTCUSDT", desk.now_ns() - MINUTE_NS)
    bar = bar_of(desk.market, "BTCUSDT", (trade.time_ns + 1, trade.time_ns + 2))
    assert (bar.open, bar.close, bar.volume, bar.first_trade_id) == (trade.price, trade.price, 0, -1)
    assert average_price(bar) == trade.price
    assert bar.is_closed


async def test_statistics_cover_the_window_with_its_end(desk):
    now = desk.now_ns() // 1_000_000 * 1_000_000
    statistics = statistics_of(desk.market, "ETHUSDT", (now - DAY_NS, now))
    assert statistics.bar.low <= statistics.last <= statistics.bar.high
    assert statistics.change == statistics.bar.close - statistics.bar.open
    assert statistics.change_percent == statistics.change / statistics.bar.open * 100
    assert statistics.previous_close > 0


async def test_row_of_klines_has_twelve_columns_in_the_venues_order(desk):
    open_ns = minute_start(desk.now_ns()) - MINUTE_NS
    bar = bar_of(desk.market, "BTCUSDT", (open_ns, open_ns + MINUTE_NS))
    row = rest_kline(bar, of=(1, 2))
    assert (len(row), row[0], row[6], row[8], row[11]) == (12, 1, 2, bar.trade_count, "0")
    assert [Decimal(row[i]) for i in (1, 2, 3, 4)] == [bar.open, bar.high, bar.low, bar.close]
