import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import VirtualRun

from brokerwire import Client, ConnectionLostError
from brokerwire.venues.binance.spec import LIFETIME_S


def test_a_connection_is_handed_over_before_the_venue_ends_it_for_its_age(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance")
            client: Client = await place.client(simulator)
            statuses: list[Any] = []
            await client.market_data.stream_bars("BTCUSDT", "1d", print_nothing, status_callback=statuses.append)
            stream = client.streams.active_streams[0]
            loop: Any = asyncio.get_running_loop()
            simulator.faults.set("mute")
            loop._virtual.now_s += LIFETIME_S * 0.965
            await asyncio.sleep(1)
            simulator.faults.clear()
            assert stream.reconnects == 0
            await asyncio.sleep(LIFETIME_S * 0.027)
            assert stream.reconnects == 1
            assert [type(status).__name__ for status in statuses] == ["StateChange"]

    virtual(main)


async def print_nothing(_event: object) -> None:
    return


def test_sending_while_there_is_no_connection_says_so(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance")
            client = await place.client(simulator)
            await client.market_data.stream_quotes("BTCUSDT", print_nothing)
            stream = client.streams.active_streams[0]
            await stream.send({"method": "LIST_SUBSCRIPTIONS", "id": 900})
            simulator.faults.set("refuse:503")
            simulator.connections.drop()
            await asyncio.sleep(1)
            with pytest.raises(ConnectionLostError, match="not connected now"):
                await stream.send({})

    virtual(main)


def test_symbols_that_change_during_a_hand_over_wait_for_the_new_connection(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    """A second hand-over in the moment between the end of the first and its adoption would be lost, and left behind."""

    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator)
            quotes = await client.market_data.stream_quotes("AAPL", print_nothing)
            lifeline = client.streams.active_streams[0]._lifeline
            await quotes.add_symbols("MSFT")
            for _ in range(10_000):
                if lifeline._next is not None:
                    break
                await asyncio.sleep(0)
            await quotes.remove_symbols("AAPL")
            heard: list[str] = []
            quotes.add_callback(lambda event: heard.append(event.symbol))
            await asyncio.sleep(10)
            assert set(heard) == {"MSFT"}
            (served,) = simulator.connections.names()
            assert "AAPL" not in served

    virtual(main)


@pytest.mark.parametrize("is_prepared", [False, True])
def test_closing_twice_in_any_turn_of_a_hand_over_leaves_no_connection(
    virtual: VirtualRun, offline: Callable[[], Any], is_prepared: bool
) -> None:
    """A second stop used to cut the clearing up short, and the successor went on alone."""

    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            for turns in range(40):
                client = await place.client(simulator)
                quotes = await client.market_data.stream_quotes("AAPL", print_nothing)
                stream = client.streams.active_streams[0]
                await quotes.add_symbols("MSFT")
                while is_prepared and stream._lifeline._next is None:  # noqa: ASYNC110  # virtual time: it costs nothing
                    await asyncio.sleep(0)
                ending = asyncio.create_task(quotes.unsubscribe())
                for _ in range(turns):
                    await asyncio.sleep(0)
                stream._lifeline.stop()
                await client.close()
                await ending
                assert len(client.streams) == 0
                left = [task.get_name() for task in asyncio.all_tasks() if "successor" in task.get_name()]
                assert left == []

    virtual(main)
