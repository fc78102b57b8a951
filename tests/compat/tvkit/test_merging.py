import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from brokerwire import Client, StreamError
from brokerwire.compat.tvkit.merging import merged


def test_each_ones_events_come_in_order_and_all_end_together(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradingview")
            client: Client = await place.client(simulator)
            quotes = await client.market_data.stream_quotes(["NASDAQ:AAPL", "NYSE:KO"])
            bars = await client.market_data.stream_bars("NASDAQ:AAPL", "1m", bars_back=3)
            seen: dict[str, list[int]] = {"quote": [], "bar": []}
            async for event in merged(quotes, bars):
                seen[event.kind].append(event.received_ns)
                if len(seen["quote"]) == 20 and bars.is_active:
                    await bars.unsubscribe()
                if len(seen["quote"]) == 30:
                    await quotes.unsubscribe()
            assert all(times == sorted(times) for times in seen.values())
            assert len(seen["bar"]) >= 4

    virtual(main)


async def last(items: AsyncIterator[Any]) -> None:
    async for _ in items:
        pass


def test_a_failure_of_one_ends_all_and_leaves_nothing_waiting(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as place:
            client: Client = await place.client(await place.simulator("tradingview"))
            quotes = await client.market_data.stream_quotes("NASDAQ:AAPL")
            bars = await client.market_data.stream_bars("NASDAQ:AAPL", "1m")
            both = merged(quotes, bars)
            await anext(both)
            bars.fail(StreamError("enough"))
            with pytest.raises(StreamError, match="enough"):
                await last(both)
            await asyncio.sleep(0)
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("brokerwire next")]

    virtual(main)
