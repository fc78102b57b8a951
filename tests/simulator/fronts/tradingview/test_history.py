from itertools import pairwise

import pytest

from brokerwire.simulator.fronts.tradingview.history import History, shown_currency
from brokerwire.simulator.fronts.tradingview.resolution import parse_resolution
from brokerwire.simulator.fronts.tradingview.symbols import SymbolSpec, SymbolTable
from brokerwire.simulator.price_path import DAY_NS, HOUR_NS, MINUTE_NS

SECOND_NS = 1_000_000_000


def history(market, symbol="BINANCE:BTCUSDT", resolution="1", *, limit=0, days=30, **spec):
    listed = SymbolTable(market.universe).find(symbol)
    return History(
        market,
        listed,
        spec=SymbolSpec(symbol=symbol, **spec),
        resolution=parse_resolution(resolution),
        limit=limit,
        floor_ns=(market.now_ns() // DAY_NS - days) * DAY_NS,
    )


async def test_bars_are_those_of_the_market(live_market):
    found = history(live_market, resolution="60")
    page = await found.latest(24, before_ns=live_market.now_ns())
    bar = page.bars[3]
    same = live_market.window("BTCUSDT", bar.time_s * SECOND_NS, bar.close_s * SECOND_NS)
    assert (bar.open, bar.close, bar.volume) == (float(same.open), float(same.close), float(same.volume))
    assert [later.time_s - earlier.time_s for earlier, later in pairwise(page.bars)] == [3600] * 23
    assert page.end == ""


async def test_a_plan_shows_so_many_bars_back_from_the_newest(live_market):
    found = history(live_market, limit=500)
    page = await found.latest(20_000, before_ns=live_market.now_ns())
    assert (len(page.bars), page.end) == (500, "limit")
    exact = await found.latest(500, before_ns=live_market.now_ns())
    assert (len(exact.bars), exact.end) == (500, "limit")
    some = await found.latest(499, before_ns=live_market.now_ns())
    assert (len(some.bars), some.end) == (499, "")


async def test_days_are_not_limited_by_the_plan_and_end_where_history_begins(live_market):
    page = await history(live_market, resolution="1D", limit=5).latest(100, before_ns=live_market.now_ns())
    assert (len(page.bars), page.end) == (31, "end")


async def test_a_range_brings_a_few_bars_before_it_and_none_after(live_market):
    end_ns = live_market.now_ns() // HOUR_NS * HOUR_NS - 10 * HOUR_NS
    page = await history(live_market, resolution="60").between(end_ns - 5 * HOUR_NS, end_ns, margin=3)
    times = [bar.time_s * SECOND_NS for bar in page.bars]
    assert times == [end_ns - hours * HOUR_NS for hours in range(8, -1, -1)]
    assert page.end == ""


async def test_a_range_beyond_the_plan_brings_nothing_and_no_error(live_market):
    now_ns = live_market.now_ns()
    page = await history(live_market, limit=100).between(now_ns - 5 * DAY_NS, now_ns - 4 * DAY_NS, margin=10)
    assert (page.bars, page.end) == ([], "limit")


async def test_a_range_that_begins_before_history_ends_with_it(live_market):
    now_ns = live_market.now_ns()
    page = await history(live_market, resolution="1D").between(0, now_ns, margin=10)
    assert (len(page.bars), page.end) == (31, "end")


async def test_bars_after_a_time_stop_at_the_present(live_market):
    now_ns = live_market.now_ns()
    found = history(live_market)
    page = await found.after(10, start_ns=now_ns - 3 * HOUR_NS)
    assert len(page.bars) == 10
    assert page.bars[0].time_s * SECOND_NS > now_ns - 3 * HOUR_NS
    assert len((await found.after(10, start_ns=now_ns - 3 * MINUTE_NS)).bars) == 3


async def test_an_index_has_bars_without_volume(live_market):
    page = await history(live_market, "SP:SPX", "60").latest(2, before_ns=live_market.now_ns())
    assert [len(bar.values()) for bar in page.bars] == [5, 5]


async def test_total_return_lowers_what_lies_before_each_dividend(live_market):
    now_ns = live_market.now_ns()
    plain = (await history(live_market, "NASDAQ:AAPL", "1D", days=400).latest(400, before_ns=now_ns)).bars
    total = history(live_market, "NASDAQ:AAPL", "1D", days=400, adjustment="dividends")
    adjusted = (await total.latest(400, before_ns=now_ns)).bars
    assert adjusted[-1].close == plain[-1].close
    assert adjusted[0].close == pytest.approx(plain[0].close * 0.997 ** (4 + 0.5), rel=0.003)
    assert adjusted[0].volume == plain[0].volume


@pytest.mark.parametrize(
    ("currency", "low", "high"), [("EUR", 0.7, 0.99), ("JPY", 100, 250), ("USD", 1, 1), ("XXX", 1, 1)]
)
async def test_prices_are_converted_when_there_is_a_rate(live_market, currency, low, high):
    now_ns = live_market.now_ns()
    plain = (await history(live_market, "NASDAQ:AAPL", "1D").latest(1, before_ns=now_ns)).bars[0]
    other = (await history(live_market, "NASDAQ:AAPL", "1D", currency=currency).latest(1, before_ns=now_ns)).bars[0]
    assert low <= other.close / plain.close <= high


@pytest.mark.parametrize(
    ("symbol", "asked", "shown"),
    [
        ("NASDAQ:AAPL", "", "USD"),
        ("NASDAQ:AAPL", "EUR", "EUR"),
        ("NASDAQ:AAPL", "XXX", "USD"),
        ("BINANCE:BTCUSDT", "USD", "USD"),
        ("BINANCE:BTCUSDT", "GBP", "USDT"),
    ],
)
async def test_prices_stay_in_their_currency_where_there_is_no_rate(live_market, symbol, asked, shown):
    assert shown_currency(live_market, SymbolTable(live_market.universe).find(symbol), asked) == shown
