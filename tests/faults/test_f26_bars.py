"""F26: bars and ticks that an outage hid come afterwards, each once, and a gap says whether all of them did."""

from itertools import pairwise
from typing import Any

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener
from brokerwire.simulator import Simulator
from brokerwire.simulator.sessions import new_york_date, new_york_ns

VENUES = [
    ("binance", "BTCUSDT", "/stream"),
    ("tradestation", "AAPL", "barcharts"),
    ("tradingview", "BINANCE:BTCUSDT", "/socket.io/"),
]
MINUTE_NS = 60_000_000_000


def closed_of(watch: Listener) -> list[Any]:
    return [event for event in watch.events if event.is_closed]


def are_whole(bars: list[Any]) -> bool:
    return all(new.open_time_ns == old.open_time_ns + MINUTE_NS for old, new in pairwise(bars))


async def cut(row: Row, simulator: Simulator, path: str, seconds: float) -> None:
    """Let nobody in for some time."""
    simulator.faults.set("refuse:503", channel=path)
    simulator.connections.drop()
    await row.sleep(seconds)
    simulator.faults.clear()


@pytest.mark.parametrize(("venue", "symbol", "path"), VENUES)
@pytest.mark.parametrize("outage_s", [0, 40, 400])
def test_each_minute_bar_comes_once_whatever_the_outage(
    row: Row, venue: str, symbol: str, path: str, outage_s: float
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "bars", symbol, interval="1m", bars_back=2)
        await until(lambda: len(closed_of(watch)) >= 4, 200)
        for number in range(1, repeats(1, 4) + 1):
            await cut(row, simulator, path, outage_s)
            await until(lambda wanted=number: len(watch.gaps) == wanted)  # type: ignore[misc]  # bound early
            wanted = len(closed_of(watch)) + 2
            await until(lambda count=wanted: len(closed_of(watch)) >= count, 200)  # type: ignore[misc]  # bound early
        assert are_whole(closed_of(watch))
        assert all(gap.filled for gap in watch.gaps)
        late = [bar for bar in closed_of(watch) if bar.origin == "backfill"]
        assert len(late) >= outage_s // 60 - 1

    row(main)


def test_bars_that_cannot_be_fetched_are_an_unfilled_gap_and_the_live_ones_go_on(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "bars", "BTCUSDT", interval="1m")
        await until(lambda: len(closed_of(watch)) >= 1, 200)
        simulator.faults.set("rate_limit:60", channel="klines")
        await row.sleep(1)
        simulator.faults.set("refuse:503", channel="/stream")
        simulator.connections.drop()
        await row.sleep(150)
        simulator.faults.clear("refuse")
        live_at = await reached(watch, "live")
        heard_at = await watch.more(1)
        assert heard_at - live_at < 8
        assert [gap.filled for gap in watch.gaps] == [False]
        before = closed_of(watch)
        await until(lambda: len(closed_of(watch)) >= len(before) + 2, 200)

    row(main)


def ticks_of(watch: Listener) -> list[tuple[float, float]]:
    return [(event.price, event.size) for event in watch.events]


def tape_of(simulator: Simulator, symbol: str, since_ns: int) -> list[tuple[float, float]]:
    market = simulator.exchange.market
    trades = market.trades(symbol, max(since_ns, market.now_ns() - 3_600_000_000_000), market.now_ns() + 1)
    return [(float(trade.price), float(trade.size)) for trade in trades]


def is_part_of(found: list[Any], tape: list[Any]) -> bool:
    return any(tape[at : at + len(found)] == found for at in range(len(tape) - len(found) + 1))


def test_ticks_that_a_short_outage_hid_come_from_the_history_of_the_next_connection(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        began_ns = row.clock.time_ns()
        watch = await row.watch(row.client(simulator), "trades", "AAPL")
        for number in range(1, repeats(3, 10) + 1):
            await watch.more(20)
            simulator.connections.drop()
            await reached(watch, "recovering")
            await reached(watch, "live")
            await until(lambda wanted=number: len(watch.gaps) == wanted)  # type: ignore[misc]  # bound early
        await watch.more(20)
        if all(gap.filled for gap in watch.gaps):
            assert is_part_of(ticks_of(watch), tape_of(simulator, "AAPL", began_ns))
        assert any(gap.filled for gap in watch.gaps)

    row(main)


def test_ticks_that_a_long_outage_hid_are_an_unfilled_gap_and_none_is_told_twice(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        watch = await row.watch(row.client(simulator), "trades", "AAPL", flows=False)
        await watch.more(20)
        await cut(row, simulator, "tickbars", 60)
        await reached(watch, "live", 40)
        await until(lambda: bool(watch.gaps))
        await watch.more(20)
        assert [gap.filled for gap in watch.gaps] == [False]
        assert [event.time_ns for event in watch.events] == sorted(event.time_ns for event in watch.events)

    row(main)


async def close_soon(row: Row, seconds: float, **options: Any) -> tuple[Simulator, Listener]:
    """Return a watch on ticks whose market closes in so many seconds, and is quiet from then on."""
    now_ns = row.clock.time_ns()
    row.step_wall_clock((new_york_ns(new_york_date(now_ns), 16) - now_ns) / 1e9 - seconds)
    simulator = await row.simulator("tradestation", calendar="real")
    return simulator, await row.watch(row.client(simulator, **options), "trades", "AAPL", flows=False)


@pytest.mark.parametrize("quiet", ["market", "wire"])
def test_a_quiet_tick_stream_is_renewed_without_a_gap_and_nothing_is_lost(row: Row, quiet: str) -> None:
    async def main(row: Row) -> None:
        began_ns = row.clock.time_ns()
        simulator, watch = await close_soon(row, 25)
        await watch.more(12)
        if quiet == "wire":
            while row.clock.time_ns() < new_york_ns(new_york_date(row.clock.time_ns()), 16) - 3_000_000_000:
                await row.sleep(0.1)
            simulator.faults.set("half_open")
            heard = len(watch.events)
            await row.sleep(10)
            simulator.faults.clear()
            assert len(watch.events) == heard
        await until(lambda: watch.reconnects >= 3, 1000)
        assert (watch.gaps, watch.states) == ([], ["live"])
        tape = tape_of(simulator, "AAPL", began_ns)
        assert ticks_of(watch) == tape[-len(watch.events) :]
        assert simulator.journal.count("dial") == 4

    row(main)


def test_a_quiet_tick_stream_is_dialled_anew_where_no_slot_is_free(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator, watch = await close_soon(row, 25, max_concurrent_streams=1)
        await watch.more(12)
        await until(lambda: len(watch.gaps) >= 2, 1000)
        assert all(gap.filled for gap in watch.gaps)
        tape = tape_of(simulator, "AAPL", 0)
        assert ticks_of(watch) == tape[-len(watch.events) :]

    row(main)


def test_a_steady_tick_stream_that_falls_silent_says_that_nothing_is_missing(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator, watch = await close_soon(row, 60)
        await watch.more(40)
        await until(lambda: watch.reconnects >= 2, 1000)
        assert all(gap.filled for gap in watch.gaps)
        assert ticks_of(watch) == tape_of(simulator, "AAPL", 0)[-len(watch.events) :]

    row(main)
