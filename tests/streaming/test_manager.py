import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import VirtualRun

from brokerwire import SlowConsumerError, StreamError, StreamLimitError


async def _nothing(_event: object) -> None:
    return


def test_the_stream_over_the_cap_is_refused_and_names_the_holders(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator, max_concurrent_streams=3)
            symbols = ["AAPL", "MSFT", "SPY"]
            held = [await client.market_data.stream_quotes(symbol, _nothing) for symbol in symbols]
            with pytest.raises(ValueError, match="the cap of this client is 3"):
                await client.market_data.stream_quotes("QQQ", _nothing)
            with pytest.raises(StreamLimitError) as caught:
                await client.market_data.stream_bars("QQQ", "1m", _nothing)
            assert len(caught.value.holders) == 3
            await held[0].unsubscribe()
            await client.market_data.stream_quotes("QQQ", _nothing)
            assert len(simulator.connections) == 3

    virtual(main)


def test_the_venues_own_cap_is_kept_too(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"), max_concurrent_streams=50)
            symbols = ["AAPL", "MSFT", "SPY", "QQQ", "IBM", "NVDA", "META", "TSLA", "AMD", "INTC", "NFLX"]
            for symbol in symbols[:10]:
                await client.market_data.stream_market_depth(symbol, _nothing)
            with pytest.raises(StreamLimitError, match="the cap of tradestation"):
                await client.market_data.stream_market_depth(symbols[10], _nothing)
            await client.market_data.stream_quotes("AAPL", _nothing)

    virtual(main)


def test_a_call_that_needs_several_streams_takes_all_or_none(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"), max_concurrent_streams=2)
            with pytest.raises(StreamLimitError):
                await client.market_data.stream_trades(["AAPL", "MSFT", "SPY"], _nothing)
            assert len(client.streams) == 0
            subscription = await client.market_data.stream_trades(["AAPL", "MSFT"], _nothing)
            assert len(client.streams) == 2
            await subscription.unsubscribe()
            assert len(client.streams) == 0

    virtual(main)


def test_ids_only_rise(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"))
            ids = []
            for _ in range(3):
                async with await client.market_data.stream_quotes("AAPL", _nothing):
                    ids.append(client.streams.active_streams[0].id)
            assert ids == [1, 2, 3]

    virtual(main)


def test_a_blocking_subscription_gets_a_stream_of_its_own(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("binance"))
            await client.market_data.stream_quotes("BTCUSDT", _nothing)
            await client.market_data.stream_quotes("BTCUSDT", _nothing, overflow="block")
            await client.market_data.stream_quotes("ETHUSDT", _nothing)
            assert len(client.streams) == 2

    virtual(main)


def test_a_slow_blocking_callback_holds_the_feed_back_and_loses_nothing(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance", settings={"rate": 20})
            client = await place.client(simulator)
            ids: list[int] = []

            async def slowly(trade: Any) -> None:
                await asyncio.sleep(0.05)
                ids.append(trade.trade_id)

            subscription = await client.market_data.stream_trades("BTCUSDT", slowly, overflow="block", max_pending=5)
            await asyncio.sleep(20)
            stats = subscription.stats
            assert stats.pending <= 5
            assert stats.dropped == 0
            assert stats.received == stats.delivered + stats.pending
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            assert len(ids) > 100

    virtual(main)


def test_a_closed_manager_opens_nothing(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"))
            await client.market_data.stream_quotes("AAPL", _nothing)
            await client.close()
            with pytest.raises(StreamError, match="closed"):
                await client.market_data.stream_quotes("AAPL", _nothing)
            with pytest.raises(StreamError, match="closed"):
                await client.streams.create_stream("ws://127.0.0.1:1")
            with pytest.raises(StreamError, match="no open stream 1"):
                await client.streams.close_stream(1)

    virtual(main)


def test_redials_of_one_host_are_half_a_second_apart(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"))
            times: list[float] = []

            async def redial() -> None:
                await client.streams.redial_turn("host")
                times.append(asyncio.get_running_loop().time())

            await asyncio.gather(*(redial() for _ in range(4)))
            assert [round(later - times[0], 3) for later in times] == [0.0, 0.5, 1.0, 1.5]

    virtual(main)


def test_a_callback_that_holds_the_feed_back_too_long_fails_its_own_subscription_only(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("binance"))
            stuck = asyncio.Event()

            async def callback(_event: object) -> None:
                await stuck.wait()

            other = await client.market_data.stream_quotes("BTCUSDT", _nothing)
            subscription = await client.market_data.stream_quotes("BTCUSDT", callback, overflow="block", max_pending=3)
            with pytest.raises(SlowConsumerError, match="held back the feed for 30 s"):
                await subscription.wait_closed()
            assert other.state == "live"
            assert len(client.streams) == 1

    virtual(main)
