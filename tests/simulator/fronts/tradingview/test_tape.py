import asyncio
from datetime import datetime

import pytest

from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import NO_VALUE, Tapes, session_name
from brokerwire.simulator.instruments import NEW_YORK
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS
from brokerwire.simulator.ticks import SimTrade


class StoppedClock:
    """It is always the same time."""

    def __init__(self, moment):
        self.now_ns = int(moment.timestamp()) * 1_000_000_000

    def monotonic(self):
        return 0.0

    def time_ns(self):
        return self.now_ns

    async def sleep(self, delay_s):
        await asyncio.sleep(delay_s)


@pytest.fixture
async def tapes(live_market):
    found = Tapes(live_market)
    yield found
    found.close()


def tape_of(tapes, market, name="NASDAQ:AAPL"):
    return tapes.of(SymbolTable(market.universe).find(name))


async def follow(tape, count):
    ticks, enough = [], asyncio.Event()

    def listen(tick):
        ticks.append(tick)
        if len(ticks) >= count:
            enough.set()

    stop = tape.follow(listen)
    await asyncio.wait_for(enough.wait(), 600)
    return ticks, stop


async def test_what_nobody_follows_is_read_afresh(tapes, live_market):
    tape = tape_of(tapes, live_market)
    before = dict(tape.values())
    await asyncio.sleep(30)
    after = tape.values()
    assert after["lp_time"] > before["lp_time"]
    assert after["lp"] == float(live_market.last_trade("AAPL").price)


async def test_values_agree_with_the_market_after_every_tick(tapes, live_market):
    tape = tape_of(tapes, live_market)
    ticks, stop = await follow(tape, 100)
    values = tape.values()
    today = live_market.now_ns() // DAY_NS * DAY_NS
    day = live_market.window("AAPL", today, today + DAY_NS)
    assert (values["volume"], values["high_price"], values["low_price"]) == (
        float(day.volume),
        float(day.high),
        float(day.low),
    )
    newest = [tick for tick in ticks if isinstance(tick, SimTrade)][-1]
    assert values["lp"] == float(newest.price)
    assert values["ch"] == pytest.approx(values["lp"] - values["prev_close_price"], abs=0.005)
    assert values["bid"] < values["ask"]
    stop()


async def test_an_index_has_neither_volume_nor_bid(tapes, live_market):
    values = tape_of(tapes, live_market, "SP:SPX").values()
    assert values["volume"] == NO_VALUE
    assert "bid" not in values


async def test_a_new_day_begins_with_its_first_trade(tapes, live_market):
    tape = tape_of(tapes, live_market)
    rest_ns = DAY_NS - live_market.now_ns() % DAY_NS
    await asyncio.sleep(rest_ns / 1e9 - 20)
    stop = tape.follow(lambda _: None)
    before = dict(tape.values())
    await asyncio.sleep(40)
    after = tape.values()
    assert after["prev_close_price"] != before["prev_close_price"]
    assert after["volume"] < before["volume"]
    stop()


async def test_the_last_to_leave_stops_the_market(tapes, live_market):
    tape = tape_of(tapes, live_market)
    first, second = [], []
    stop_first, stop_second = tape.follow(first.append), tape.follow(second.append)
    await asyncio.sleep(2)
    stop_first()
    stop_first()
    seen = len(first)
    await asyncio.sleep(2)
    assert len(first) == seen
    assert len(second) > seen
    stop_second()
    seen = len(second)
    await asyncio.sleep(2)
    assert len(second) == seen


@pytest.mark.parametrize(
    ("day", "clock", "name", "session"),
    [
        (20, (10, 0), "NASDAQ:AAPL", "market"),
        (20, (5, 0), "NASDAQ:AAPL", "pre_market"),
        (20, (17, 0), "NASDAQ:AAPL", "post_market"),
        (20, (22, 0), "NASDAQ:AAPL", "out_of_session"),
        (20, (3, 0), "NASDAQ:AAPL", "out_of_session"),
        (21, (10, 0), "NASDAQ:AAPL", "out_of_session"),
        (21, (10, 0), "BINANCE:BTCUSDT", "market"),
        (20, (5, 0), "SP:SPX", "out_of_session"),
    ],
)
def test_the_hour_has_a_name(day, clock, name, session):
    market = Market(seed=1, clock=StoppedClock(datetime(2026, 11, day, *clock, tzinfo=NEW_YORK)), calendar="real")
    assert session_name(SymbolTable(market.universe).find(name), market) == session


async def test_a_closed_market_shows_its_last_session():
    market = Market(seed=1, clock=StoppedClock(datetime(2026, 11, 22, 12, tzinfo=NEW_YORK)), calendar="real")
    values = Tapes(market).of(SymbolTable(market.universe).find("NASDAQ:AAPL")).values()
    friday = datetime(2026, 11, 20, 16, tzinfo=NEW_YORK).timestamp()
    assert friday - 60 <= values["lp_time"] <= friday
    assert values["low_price"] <= values["lp"] <= values["high_price"]
    await market.close()
