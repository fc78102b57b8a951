"""F04: the far side is gone and TCP does not say so."""

import asyncio

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES
from tests.faults.waiting import reached


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("condition", ["black_hole", "half_open"])
def test_a_wire_that_carries_nothing_is_dropped_and_replaced(row: Row, venue: str, symbol: str, condition: str) -> None:
    row.converge_s = 75.0

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        weather = await row.weather(simulator)
        watch = await row.watch(row.client(simulator, weather=weather), "quotes", symbol)
        await watch.more(20)
        died = row.now()
        weather.set(condition)
        assert await reached(watch, "recovering") - died <= 25.0
        weather.clear()
        assert await reached(watch, "live") - died <= 60.0
        await watch.more(20)
        assert watch.gaps[0].start_ns <= watch.gaps[0].end_ns
        assert watch.reconnects >= 1

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_connection_is_closed_in_time_although_nobody_answers(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        weather = await row.weather(simulator)
        client = row.client(simulator, weather=weather)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        weather.set("black_hole")
        began = row.now()
        async with asyncio.timeout(10):
            await watch.subscription.unsubscribe()
        assert row.now() - began <= 5.0
        assert len(client.streams) == 0
        again = await row.watch_in_vain(client, "quotes", symbol)
        assert again is not None
        weather.clear()

    row(main)
