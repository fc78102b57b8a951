import asyncio
import itertools
from decimal import Decimal

import pytest

from brokerwire.clock import Clock
from brokerwire.simulator.market import Market, SimBookChange, SimQuote, SimTrade, Tick, bar_windows
from brokerwire.simulator.sessions import new_york_date, new_york_ns
from brokerwire.testing.virtual_time import VirtualClock

SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
SYMBOLS = ["AAPL", "BTCUSDT", "ETHBTC", "SHIBUSDT", "ESZ26", "@ES", "AMD 261218C160", "$SPX.X", "EURUSD"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_trades_of_a_window_are_the_bar_of_that_window(market: Market, symbol: str) -> None:
    start = market.now_ns() - 2 * HOUR + 7 * SECOND
    trades, bar = market.trades(symbol, start, start + 95 * SECOND), market.window(symbol, start, start + 95 * SECOND)
    assert bar is not None
    assert bar.volume == sum(t.size for t in trades)
    assert bar.quote_volume == sum(t.size * t.price for t in trades)
    assert bar.buy_volume == sum(t.size for t in trades if t.side == "buy")
    assert (bar.open, bar.close) == (trades[0].price, trades[-1].price)
    assert (bar.high, bar.low) == (max(t.price for t in trades), min(t.price for t in trades))
    assert (bar.first_trade_id, bar.last_trade_id) == (trades[0].trade_id, trades[-1].trade_id)
    assert bar.up_ticks + bar.down_ticks == bar.trade_count == len(trades)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_short_bars_add_up_to_long_ones(market: Market, symbol: str) -> None:
    start = market.now_ns() // DAY * DAY - 5 * DAY
    (day,) = market.bars(symbol, DAY, start, start + DAY)
    for unit in (MINUTE, HOUR):
        bars = market.bars(symbol, unit, start, start + DAY)
        assert len(bars) == DAY // unit
        assert day.volume == sum(b.volume for b in bars)
        assert day.quote_volume == sum(b.quote_volume for b in bars)
        assert day.buy_quote_volume == sum(b.buy_quote_volume for b in bars)
        assert day.trade_count == sum(b.trade_count for b in bars)
        assert (day.high, day.low) == (max(b.high for b in bars), min(b.low for b in bars))


def test_bar_in_progress_holds_the_trades_so_far(market: Market) -> None:
    now = market.now_ns()
    bar = market.bars("AAPL", DAY, now - DAY, now + DAY)[-1]
    trades = market.trades("AAPL", bar.open_ns // MINUTE * MINUTE, now + DAY)
    assert not bar.is_closed
    assert bar.close == trades[-1].price == market.last_trade("AAPL").price
    assert bar.trade_count == len(trades)


def test_years_of_daily_bars_exist_and_connect(market: Market) -> None:
    now = market.now_ns()
    bars = market.bars("MSFT", DAY, now - 800 * DAY, now)
    assert len(bars) == 800
    assert all(a.close == b.open for a, b in itertools.pairwise(bars))
    assert all(b.low <= min(b.open, b.close) <= max(b.open, b.close) <= b.high for b in bars)


def test_extremes_are_those_of_the_daily_bars(market: Market) -> None:
    today = market.now_ns() // DAY * DAY
    bars = market.bars("MSFT", DAY, today - 365 * DAY, today)
    extremes = market.extremes("MSFT", 365)
    assert (extremes.high, extremes.low) == (max(b.high for b in bars), min(b.low for b in bars))
    assert extremes.high_ns in [b.open_ns for b in bars if b.high == extremes.high]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = list(bar_windows("week", start_ns=1_795_183_384 * SECOND, end_ns=1_795_183_384 * SECOND + 20 * DAY))
    months = list(bar_windows("month", start_ns=1_795_183_384 * SECOND, end_ns=1_795_183_384 * SECOND + 60 * DAY))
    assert [(a // DAY + 3) % 7 for a, _ in weeks] == [0, 0, 0]
    assert [b - a for a, b in months] == [31 * DAY, 31 * DAY]


def test_same_seed_same_prices_and_other_seed_others(market: Market, still_clock: Clock) -> None:
    twin, other = Market(seed=1, clock=still_clock), Market(seed=2, clock=still_clock)
    assert twin.quote("AAPL") == market.quote("AAPL")
    assert twin.book("BTCUSDT", 20) == market.book("BTCUSDT", 20)
    assert other.quote("AAPL") != market.quote("AAPL")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_book_is_sorted_and_tops_out_at_the_quote(market: Market, symbol: str) -> None:
    book, quote = market.book(symbol, 50), market.quote(symbol)
    assert (book.bids[0].price, book.bids[0].size) == (quote.bid, quote.bid_size)
    assert (book.asks[0].price, book.asks[0].size) == (quote.ask, quote.ask_size)
    assert [b.price for b in book.bids] == sorted({b.price for b in book.bids}, reverse=True)
    assert [a.price for a in book.asks] == sorted({a.price for a in book.asks})
    assert quote.bid < quote.ask


def test_prices_and_sizes_are_whole_ticks_and_lots(market: Market) -> None:
    for symbol in SYMBOLS:
        instrument, trade = market.instrument(symbol), market.last_trade(symbol)
        assert trade.price % instrument.tick == 0
        assert trade.size % instrument.lot == 0
        assert trade.size > 0


def test_trades_from_an_id_stop_at_now(market: Market) -> None:
    last = market.last_trade("AAPL")
    found = market.trades_from("AAPL", last.trade_id - 499, 1000)
    assert len(found) == 500
    assert found[-1] == last
    assert [t.trade_id for t in found] == list(range(last.trade_id - 499, last.trade_id + 1))


def test_unknown_symbol_is_a_key_error(market: Market) -> None:
    with pytest.raises(KeyError):
        market.quote("NOPE1")


def test_real_calendar_has_no_bars_at_night(still_clock: Clock) -> None:
    market = Market(seed=1, clock=still_clock, calendar="real")
    now = market.now_ns()
    hours = market.bars("AAPL", HOUR, now - 5 * DAY, now)
    (wednesday,) = market.bars("AAPL", DAY, now // DAY * DAY - 2 * DAY, now // DAY * DAY - DAY)
    assert 20 < len(hours) < 40
    assert wednesday.volume == sum(h.volume for h in hours if wednesday.open_ns <= h.open_ns < wednesday.close_ns)


def test_option_costs_at_least_about_its_intrinsic_value(market: Market) -> None:
    spot = market.last_trade("AMD").price
    call = market.last_trade("AMD 270115C100").price
    assert call > (spot - 100) * Decimal("0.85")


async def test_collected_bars_equal_bars(market: Market) -> None:
    now = market.now_ns()
    windows = list(bar_windows(MINUTE, start_ns=now - 2000 * MINUTE, end_ns=now))
    assert await market.collect("AAPL", windows) == market.bars("AAPL", MINUTE, now - 2000 * MINUTE, now)


async def test_watched_symbol_ticks_agree_with_history_and_books() -> None:
    market = Market(seed=3, clock=VirtualClock())
    ticks: list[Tick] = []
    enough = asyncio.Event()

    def listen(tick: Tick) -> None:
        ticks.append(tick)
        if sum(isinstance(t, SimBookChange) for t in ticks) >= 5:
            enough.set()

    stop = market.watch("BTCUSDT", listen)
    await asyncio.wait_for(enough.wait(), 5)
    stop()
    stop()
    first = next(tick for tick in ticks if isinstance(tick, SimBookChange))
    before_ns = first.time_ns
    while (before := market.book("BTCUSDT", 100, before_ns)).sequence >= first.first_sequence:
        before_ns -= 10_000_000
    after = market.book("BTCUSDT", 100, ticks[-1].time_ns)
    bids = {level.price: level.size for level in before.bids}
    last_sequence = before.sequence
    for tick in ticks:
        if isinstance(tick, SimBookChange):
            assert tick.first_sequence == last_sequence + 1
            last_sequence = tick.last_sequence
            bids.update(tick.bids)
    assert {p: s for p, s in bids.items() if s} == {level.price: level.size for level in after.bids}
    trades = [t for t in ticks if isinstance(t, SimTrade)]
    assert trades == market.trades_from("BTCUSDT", trades[0].trade_id, len(trades))
    assert sum(isinstance(t, SimQuote) for t in ticks) >= 5
    await market.close()


async def test_listener_that_left_hears_nothing_more() -> None:
    market = Market(seed=3, clock=VirtualClock(), rate=10)
    heard: list[Tick] = []
    got_one = asyncio.Event()
    stop_first = market.watch("AAPL", heard.append)
    stop_second = market.watch("AAPL", lambda _: got_one.set())
    stop_first()
    await asyncio.wait_for(got_one.wait(), 5)
    stop_second()
    assert heard == []
    await market.close()
    await market.close()


async def test_closing_stops_the_ticks_of_those_who_still_listen() -> None:
    market = Market(seed=3, clock=VirtualClock())
    heard: list[Tick] = []
    stop = market.watch("AAPL", heard.append)
    await market.close()
    await asyncio.sleep(5)
    stop()
    assert heard == []


def test_cheap_instrument_has_no_bids_at_or_below_zero(market: Market) -> None:
    cheapest = min(
        (each.symbol for each in market.universe.all() if each.kind == "crypto"),
        key=lambda symbol: market.quote(symbol).bid / market.instrument(symbol).tick,
    )
    book = market.book(cheapest, 100)
    assert all(level.price > 0 for level in book.bids)


async def test_no_trade_of_a_closed_market_is_handed_out() -> None:
    clock = VirtualClock()
    now_ns = clock.time_ns()
    close_ns = new_york_ns(new_york_date(now_ns), 16)
    clock.step_s = (close_ns - now_ns) / 1e9 + 600
    market = Market(seed=3, clock=clock, calendar="real")
    last = market.last_trade("AAPL")
    assert last.time_ns < close_ns
    assert (
        market.trades_from("AAPL", last.trade_id - 3, 10) == market.trades("AAPL", last.time_ns - 10**10, close_ns)[-4:]
    )
