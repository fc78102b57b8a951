"""F06: one channel goes mute, the others are fine: only that one recovers."""

from tests.faults.conftest import Row
from tests.faults.waiting import reached


def test_one_mute_topic_of_a_websocket_is_subscribed_anew_alone(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        mute = await row.watch(client, "quotes", "BTCUSDT")
        others = [await row.watch(client, "quotes", "ETHUSDT"), await row.watch(client, "trades", "BTCUSDT")]
        await row.sleep(60)
        simulator.faults.set("mute", heals="resubscribe", stream="btcusdt@bookTicker")
        muted = row.now()
        await reached(mute, "stale", within_s=25)
        heard = len(mute.events)
        await mute.more(10)
        assert mute.times[heard] - muted <= 50.0
        assert [entry.detail["topic"] for entry in simulator.journal.entries("unsubscribe")] == ["btcusdt@bookTicker"]
        assert watchful(others) == ([["live"], ["live"]], [[], []])
        assert mute.reconnects == 0

    row(main)


def test_a_mute_topic_that_only_a_new_connection_heals_is_tried_on_one_beside_its_neighbours(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        mute = await row.watch(client, "quotes", "BTCUSDT")
        other = await row.watch(client, "trades", "ETHUSDT")
        await row.sleep(60)
        simulator.faults.set("mute", heals="reconnect", stream="btcusdt@bookTicker")
        await reached(mute, "stale", within_s=25)
        await mute.more(10, within_s=60)
        assert watchful([other]) == ([["live"]], [[]])
        assert [stream.reconnects for stream in client.streams.active_streams] == [1]

    row(main)


def test_a_topic_that_no_connection_brings_is_tried_once_and_stays_stale(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        mute = await row.watch(client, "quotes", "BTCUSDT", flows=False)
        other = await row.watch(client, "trades", "ETHUSDT")
        await row.sleep(60)
        simulator.faults.set("mute", stream="btcusdt@bookTicker")
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
