"""F26: bars that come twice, late, in another order, or in another packet: each time is told once, and none is lost."""

from itertools import pairwise
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener

SYMBOL = "BINANCE:BTCUSDT"
MINUTE_NS = 60_000_000_000
HABITS: list[dict[str, Any]] = [
    {"new_bars": "du"},
    {"final_bars": "late"},
    {"page_order": "mixed", "shift_notes": "index_diff"},
    {"shift_notes": "index_update", "page_notes": "silent", "completions": "merged"},
    {"packets_per_message": 1, "heartbeats": "behind", "hello": "none"},
    {"texts": "tricky", "lengths": "utf16"},
    {"texts": "tricky", "lengths": "bytes", "no_value": "1e100"},
]
"""Ways in which TradingView may tell the same."""


def closed_of(watch: Listener) -> list[Any]:
    return [event for event in watch.events if event.is_closed]


def are_whole(bars: list[Any]) -> bool:
    return all(new.open_time_ns == old.open_time_ns + MINUTE_NS for old, new in pairwise(bars))


def values_of(bars: list[Any]) -> dict[int, tuple[float, ...]]:
    return {bar.open_time_ns: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars}


@pytest.mark.parametrize("settings", HABITS, ids=lambda settings: "-".join(map(str, settings.values())))
def test_each_bar_is_told_once_and_as_it_ended_whatever_the_habits_of_the_venue(
    row: Row, settings: dict[str, Any]
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings=settings)
        client = row.client(simulator)
        watch = await row.watch(client, "bars", SYMBOL, bars_back=30)
        study = await row.watch(client, "studies", SYMBOL, interval="1m", study="RSI@tv-basicstudies", flows=False)
        await until(lambda: len(closed_of(watch)) >= 33, 300)
        simulator.connections.drop()
        await reached(watch, "recovering")
        await row.sleep(150)
        bars = closed_of(watch)
        assert are_whole(bars)
        assert all(gap.filled for gap in watch.gaps)
        asked = values_of(await client.market_data.get_bars(SYMBOL, "1m", limit=60))
        told = values_of(bars)
        assert told == {time_ns: asked[time_ns] for time_ns in told}
        times = [event.open_time_ns for event in study.events]
        assert times == sorted(times)
        assert len(set(times)) >= 4

    row(main)


@pytest.mark.parametrize("fault", ["duplicate", "reorder", "gap"])
def test_packets_that_come_twice_late_or_never_lose_and_double_no_bar(row: Row, fault: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings={"rate": 3})
        client = row.client(simulator)
        watch = await row.watch(client, "bars", SYMBOL, bars_back=3)
        simulator.faults.set(fault, probability=0.2, channel="bars")
        await until(lambda: len(closed_of(watch)) >= 12, 900)
        simulator.faults.clear()
        bars = closed_of(watch)
        assert are_whole(bars)
        assert watch.gaps == []
        if fault != "gap":
            asked = values_of(await client.market_data.get_bars(SYMBOL, "1m", limit=60))
            wrong = [time_ns for time_ns, values in values_of(bars).items() if asked[time_ns] != values]
            assert fault == "reorder" or wrong == []
            assert len(wrong) <= 4

    row(main)


def test_an_outage_that_the_plan_does_not_reach_back_over_is_an_unfilled_gap(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings={"plan": "", "data_bar_limit": 20})
        watch = await row.watch(row.client(simulator), "bars", SYMBOL)
        await until(lambda: len(closed_of(watch)) >= 1, 200)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await row.sleep(40 * 60)
        simulator.faults.clear()
        await until(lambda: bool(watch.gaps))
        assert [gap.filled for gap in watch.gaps] == [False]
        known = len(closed_of(watch))
        await until(lambda: len(closed_of(watch)) >= known + 2, 200)
        assert are_whole(closed_of(watch)[-10:])

    row(main)
