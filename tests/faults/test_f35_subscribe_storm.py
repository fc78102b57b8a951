"""F35: hundreds of subscriptions at once are batched and paced within the venue's limits."""

import asyncio

import aiohttp
import pytest
from tests.faults.conftest import Row, repeats


async def symbols_of(endpoint: str, count: int) -> list[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{endpoint}/api/v3/exchangeInfo") as answer:
        listing = await answer.json()
    return [row["symbol"] for row in listing["symbols"]][:count]


def test_hundreds_of_topics_of_a_few_calls_break_no_limit(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        symbols = await symbols_of(simulator.endpoints["rest"], 200)
        client = row.client(simulator)
        quotes = await row.watch(client, "quotes", symbols, flows=False)
        trades = await row.watch(client, "trades", symbols, flows=False)
        bars = [await row.watch(client, "bars", symbol, flows=False) for symbol in symbols[:10]]
        await quotes.more(20)
        await trades.more(20)
        assert sum(row.wire(simulator).values()) == 2 * len(symbols) + len(bars)
        assert simulator.journal.count("violation") == 0
        await quotes.subscription.unsubscribe()
        assert simulator.journal.count("violation") == 0

    row(main)


@pytest.mark.parametrize("count", [repeats(30, 38)])
def test_many_calls_at_once_break_no_limit(row: Row, count: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        symbols = await symbols_of(simulator.endpoints["rest"], count)
        client = row.client(simulator)
        async with asyncio.TaskGroup() as group:
            for symbol in symbols:
                group.create_task(row.watch(client, "quotes", symbol, flows=False))
        assert simulator.journal.count("violation") == 0
        assert len(client.streams) == 1
        assert len(row.wire(simulator)) == count

    row(main)


def test_many_http_streams_at_once_break_no_quota(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator, max_concurrent_streams=60, subscribe_timeout=60)
        watch = await row.watch(client, "quotes", ["AAPL", "MSFT", "SPY", "QQQ"])
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(row.watch(client, "quotes", "AAPL", flows=False))
        await watch.more(5)
        assert len(client.streams) <= 2
        assert simulator.journal.count("violation") == 0

    row(main)


def test_a_hundred_calls_at_once_are_all_accepted(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        symbols = await symbols_of(simulator.endpoints["rest"], 120)
        client = row.client(simulator)
        await row.watch(client, "quotes", "BTCUSDT")
        async with asyncio.TaskGroup() as group:
            for symbol in symbols[1:]:
                group.create_task(row.watch(client, "quotes", symbol, flows=False))
        assert len(row.wire(simulator)) == 120
        assert simulator.journal.count("dial") == 1

    row(main)


def test_a_burst_at_the_pace_of_the_outbox_breaks_no_limit(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        symbols = await symbols_of(simulator.endpoints["rest"], 490)
        client = row.client(simulator)
        quotes = await row.watch(client, "quotes", symbols, flows=False)
        await row.watch(client, "trades", symbols, flows=False)
        for symbol in symbols[:10]:
            await row.watch(client, "bars", symbol, flows=False)
        await quotes.more(20)
        assert simulator.journal.count("violation") == 0

    row(main)


def test_charts_and_quotes_at_once_break_no_limit_and_fill_one_connection_after_the_other(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        client = row.client(simulator, subscribe_timeout=60)
        found = await client.market_data.search_symbols("USDT", limit=90)
        symbols = [each["id"] for each in found]
        assert len(symbols) >= 60
        quotes = await row.watch(client, "quotes", symbols, flows=False)
        async with asyncio.TaskGroup() as group:
            for symbol in symbols[:50]:
                group.create_task(row.watch(client, "bars", symbol, flows=False))
        await quotes.more(20)
        assert sum(row.wire(simulator).values()) == len(symbols) + 50
        assert simulator.journal.count("violation") == 0
        assert len(client.streams) == 2
        await quotes.subscription.unsubscribe()
        assert simulator.journal.count("violation") == 0

    row(main)
