"""F06: one channel goes mute, the others are fine: only that one recovers."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import reached

TOPICS = {"binance": "btcusdt@bookTicker", "tradingview": "quote/BINANCE:BTCUSDT"}
"""The quotes of the first symbol, as the simulator calls them."""

METHODS = {"binance": "trades", "tradingview": "bars"}
"""What flows beside quotes on the same connection."""


@pytest.mark.parametrize("venue", TOPICS)
def test_one_mute_topic_of_a_websocket_is_subscribed_anew_alone(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        symbol, neighbour, *_ = VENUES[venue].symbols
        mute = await row.watch(client, "quotes", symbol)
        others = [await row.watch(client, "quotes", neighbour), await row.watch(client, METHODS[venue], symbol)]
        await row.sleep(60)
        simulator.faults.set("mute", heals="resubscribe", stream=TOPICS[venue])
        muted = row.now()
        await reached(mute, "stale", within_s=25)
        heard = len(mute.events)
        await mute.more(10)
        assert mute.times[heard] - muted <= 50.0
        (given_back,) = simulator.journal.entries("unsubscribe")
        assert symbol in str(given_back.detail) or TOPICS[venue] in str(given_back.detail)
        assert watchful(others) == ([["live"], ["live"]], [[], []])
        assert mute.reconnects == 0

    row(main)


@pytest.mark.parametrize("venue", TOPICS)
def test_a_mute_topic_that_only_a_new_connection_heals_is_tried_on_one_beside_its_neighbours(
    row: Row, venue: str
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        symbol, neighbour, *_ = VENUES[venue].symbols
        mute = await row.watch(client, "quotes", symbol)
        other = await row.watch(client, METHODS[venue], neighbour)
        await row.sleep(60)
        simulator.faults.set("mute", heals="reconnect", stream=TOPICS[venue])
        await reached(mute, "stale", within_s=25)
        await mute.more(10, within_s=60)
        assert watchful([other]) == ([["live"]], [[]])
        assert [stream.reconnects for stream in client.streams.active_streams] == [1]

    row(main)


@pytest.mark.parametrize("venue", TOPICS)
def test_a_topic_that_no_connection_brings_is_tried_once_and_stays_stale(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        symbol, neighbour, *_ = VENUES[venue].symbols
        mute = await row.watch(client, "quotes", symbol, flows=False)
        other = await row.watch(client, METHODS[venue], neighbour)
        await row.sleep(60)
        simulator.faults.set("mute", stream=TOPICS[venue])
        await reached(mute, "stale", within_s=25)
        await row.sleep(1800)
        assert mute.states[-1] == "stale"
        assert watchful([other]) == ([["live"]], [[]])
        assert [stream.reconnects for stream in client.streams.active_streams] == [1]

    row(main)


def test_one_mute_http_stream_is_replaced_alone(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        mute = await row.watch(client, "quotes", "AAPL")
        other = await row.watch(client, "quotes", "MSFT")
        await row.sleep(60)
        simulator.faults.set("mute", times=1, channel="AAPL")
        muted = row.now()
        await reached(mute, "stale", within_s=25)
        heard = len(mute.events)
        await mute.more(10)
        assert mute.times[heard] - muted <= 50.0
        assert watchful([other]) == ([["live"]], [[]])
        assert [stream.reconnects for stream in client.streams.active_streams] == [1, 0]

    row(main)


def watchful(watches):
    """Return the states and the gaps that each has heard of."""
    return [watch.states for watch in watches], [watch.gaps for watch in watches]
