"""F10: fifty streams are cut at once and come back one after the other."""

from itertools import pairwise
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener

SYMBOLS = {
    "tradestation": ["AAPL", "MSFT", "SPY", "QQQ", "AMZN", "TSLA", "NVDA", "META", "GOOGL", "IBM"],
    "binance": ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"],
}


async def fifty(row: Row, client: Any, venue: str) -> list[Listener]:
    """Open fifty connections: exclusive ones, so that none is shared."""
    symbols = SYMBOLS[venue]
    return [await row.watch(client, "quotes", symbols[number % len(symbols)], overflow="block") for number in range(50)]


@pytest.mark.parametrize("venue", ["tradestation", "binance"])
def test_fifty_streams_return_within_a_minute_at_two_dials_a_second(row: Row, venue: str) -> None:
    row.shares_wire = False

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator, max_concurrent_streams=50)
        watches = await fifty(row, client, venue)
        assert len(simulator.connections) == 50
        await row.sleep(1)
        simulator.journal.clear()
        cut = row.now()
        assert simulator.connections.drop() == 50
        for watch in watches:
            await until(lambda heard=watch: "recovering" in heard.states)  # type: ignore[misc]  # bound early
        for watch in watches:
            await reached(watch, "live", within_s=cut + 60 - row.now())
        dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
        assert len(dials) == 50
        assert all(new - old >= 0.49 for old, new in pairwise(dials))
        for watch in watches:
            await watch.more(1)
            assert len(watch.gaps) == 1

    row(main)
