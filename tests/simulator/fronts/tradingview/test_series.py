import asyncio
from itertools import pairwise

import pytest

from brokerwire.simulator.fronts.tradingview.history import History
from brokerwire.simulator.fronts.tradingview.resolution import parse_resolution
from brokerwire.simulator.fronts.tradingview.series import (
    Anchored,
    Framed,
    More,
    Newest,
    Series,
    frame_bounds_s,
    read_wanted,
)
from brokerwire.simulator.fronts.tradingview.symbols import SymbolSpec, SymbolTable
from brokerwire.simulator.price_path import DAY_NS
from brokerwire.simulator.ticks import SimTrade

NOW_S = 1_795_183_384


def new_series(market, resolution="1", symbol="BINANCE:BTCUSDT", *, limit=0, symbol_id="sym_1"):
    history = History(
        market,
        SymbolTable(market.universe).find(symbol),
        spec=SymbolSpec(symbol=symbol),
        resolution=parse_resolution(resolution),
        limit=limit,
        floor_ns=(market.now_ns() // DAY_NS - 30) * DAY_NS,
    )
    return Series("sds_1", "s1", symbol_id=symbol_id, history=history)


@pytest.mark.parametrize(
    ("bars", "frame", "wanted"),
    [
        (300, "", Newest(300)),
        ("", "", Newest(0)),
        (["bar_count", 1790000000, 250], "", Anchored(1790000000, 250)),
        (["bar_count", 1790000000, -5], "", Anchored(1790000000, -5)),
        (100, "r,1:2", Framed("r,1:2", 100)),
        (100, "LASTSESSION", Framed("LASTSESSION", 100)),
        (0, "5d", Framed("5d", 0)),
        (0, "YTD", Framed("YTD", 0)),
    ],
)
def test_what_is_wanted_is_read_from_bars_and_frame(bars, frame, wanted):
    assert read_wanted(bars, frame) == wanted


@pytest.mark.parametrize(
    ("bars", "frame"),
    [
        (-1, ""),
        (True, ""),
        (1.5, ""),
        (10, "r,a:b"),
        (10, "9Z"),
        (10, 5),
        (["bar_count", 1], ""),
        (["bar_count", 1, 0], ""),
        (["bar_count", -1, 5], ""),
        (["bar_count", 10**12, 5], ""),
        (10, "r,1:99999999999"),
    ],
)
def test_anything_else_is_nothing_known(bars, frame):
    assert read_wanted(bars, frame) is None


def test_frames_are_windows_up_to_now():
    assert frame_bounds_s("r,5:9", NOW_S) == (5, 9)
    assert frame_bounds_s("1D", NOW_S) == (NOW_S - 86_400, NOW_S)
    start, end = frame_bounds_s("YTD", NOW_S)
    assert (start % 86_400, end) == (0, NOW_S)
    assert frame_bounds_s("ALL", NOW_S)[0] == 0


async def test_pages_into_the_past_join_without_hole_or_double(live_market):
    series = new_series(live_market)
    await series.load(Newest(100))
    for _ in range(3):
        new = await series.load(More(100))
        assert len(new) == 100
    times = [bar.time_s for bar in series.bars]
    assert len(times) >= 400
    assert {later - earlier for earlier, later in pairwise(times)} == {60}
    assert series.is_at_front


async def test_paging_ends_at_the_plans_limit(live_market):
    series = new_series(live_market, limit=150)
    await series.load(Newest(100))
    assert series.end == ""
    await series.load(More(100))
    assert (len(series.bars), series.end) == (150, "limit")
    assert await series.load(More(100)) == []


async def test_an_anchored_series_goes_both_ways(live_market):
    series = new_series(live_market)
    anchor_s = live_market.now_ns() // 1_000_000_000 - 3_600
    await series.load(Anchored(anchor_s, 10))
    assert not series.is_at_front
    assert series.bars[-1].time_s <= anchor_s < series.bars[-1].close_s
    newer = await series.load(More(-5))
    assert [bar.time_s for bar in newer] == [bar.time_s for bar in series.bars[-5:]]
    await series.load(More(-500))
    assert series.is_at_front


async def test_bars_after_an_anchor(live_market):
    series = new_series(live_market)
    anchor_s = live_market.now_ns() // 1_000_000_000 - 3_600
    new = await series.load(Anchored(anchor_s, -10))
    assert len(new) == 10
    assert new[0].time_s > anchor_s


async def test_a_frame_that_holds_less_than_was_asked_for_brings_as_many_bars(live_market):
    series = new_series(live_market, "60")
    assert len(await series.load(Framed("1D", 100))) == 100
    assert series.is_at_front


@pytest.mark.parametrize("symbol", ["BINANCE:BTCUSDT", "SP:SPX"])
async def test_trades_make_the_bars_that_history_has(live_market, symbol):
    series = new_series(live_market, symbol=symbol)
    await series.load(Newest(5))
    opened = []

    def on_tick(tick):
        if isinstance(tick, SimTrade):
            opened.append(series.add_trade(tick))

    stop = live_market.watch(series.history.listed.instrument.symbol, on_tick)
    await asyncio.sleep(190.5)
    stop()
    assert sum(map(bool, opened)) >= 3
    assert series.bars[-1] == series.history.bar(series.history.grid.window_at(live_market.now_ns()))
    for bar in series.bars[:-1]:
        assert bar == series.history.bar((bar.time_s * 10**9, bar.close_s * 10**9))


async def test_a_trade_that_is_known_changes_nothing(live_market):
    series = new_series(live_market)
    await series.load(Newest(2))
    before = list(series.bars)
    assert series.add_trade(live_market.last_trade("BTCUSDT")) is None
    assert series.bars == before


async def test_a_series_that_is_modified_keeps_its_bars_when_it_shows_the_same(live_market):
    old = new_series(live_market)
    await old.load(Newest(20))
    same, other = new_series(live_market), new_series(live_market, "5")
    assert same.take_over(old)
    assert same.bars == old.bars
    assert not other.take_over(old)
    assert other.bars == []
