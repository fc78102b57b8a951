"""F07: a channel that is quiet by nature is left alone, for hours."""

import pytest
from tests.faults.conftest import Row, repeats

HOURS = repeats(1, 6)


@pytest.mark.parametrize(
    ("venue", "method", "symbol"),
    [
        ("tradestation", "quotes", "AAPL"),
        ("binance", "trades", "BTCUSDT"),
        ("tradingview", "quotes", "BINANCE:BTCUSDT"),
        ("tradingview", "bars", "BINANCE:BTCUSDT"),
    ],
)
def test_hours_without_data_are_no_reason_to_reconnect(row: Row, venue: str, method: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), method, symbol, flows=False)
        simulator.faults.set("mute")
        await row.sleep(HOURS * 3600)
        assert watch.states == ["live"]
        assert watch.gaps == []
        assert watch.reconnects == 0
        assert simulator.journal.count("dial") <= 1
        simulator.faults.clear()
        await watch.more(5)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), [("tradestation", "AAPL"), ("tradingview", "NASDAQ:AAPL")])
def test_a_market_that_is_closed_for_the_weekend_is_left_alone(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        row.step_wall_clock(3 * 86_400)
        simulator = await row.simulator(venue, calendar="real")
        client = row.client(simulator)
        watches = [
            await row.watch(client, "quotes", symbol, flows=False),
            await row.watch(client, "bars", symbol, interval="1d", flows=False),
        ]
        await row.sleep(HOURS * 3600)
        for watch in watches:
            assert watch.states == ["live"]
            assert watch.reconnects == 0

    row(main)
