"""F08: a handshake that trickles in at a byte a second ends at the connect timeout."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES
from tests.faults.waiting import reached

from brokerwire import BrokerwireError


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("connect_s", [3.0, 10.0])
def test_each_dial_ends_at_the_connect_timeout_and_no_slot_leaks(
    row: Row, venue: str, symbol: str, connect_s: float
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        weather = await row.weather(simulator)
        client = row.client(simulator, weather=weather, connect_timeout=connect_s, subscribe_timeout=25)
        await client.market_data.get_quotes([symbol])
        await client.close_all_streams()  # what the call was answered on would serve the next one too
        simulator.journal.clear()
        began = row.now()
        weather.set("slicer:1", delay_s=1.0, direction="down")
        if venue == "binance":
            client._desk._known_symbols.add(symbol)
        with pytest.raises(BrokerwireError, match=f"within {connect_s:g} s"):
            await row.watch(client, "quotes", symbol)
        assert row.now() - began <= 25.0 + 5.0
        dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
        assert len(dials) >= 2
        assert dials[1] - dials[0] <= connect_s + 1.6
        assert len(client.streams) == 0
        weather.clear()
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        assert len(client.streams) == 1

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_trickling_redial_is_given_up_and_tried_again(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        weather = await row.weather(simulator)
        watch = await row.watch(row.client(simulator, weather=weather), "quotes", symbol)
        await watch.more(5)
        weather.set("slicer:1", delay_s=1.0, direction="down")
        weather.drop()
        await reached(watch, "recovering")
        await row.sleep(60)
        assert 3 <= simulator.journal.count("dial") <= 8
        weather.clear()
        await reached(watch, "live", within_s=45)
        await watch.more(5)

    row(main)
