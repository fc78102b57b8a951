"""What the streaming guide of the earlier TradeStation wrapper shows works, by the names that it uses."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from brokerwire import Balance, Bar, Position, StreamLimitError, Subscription, Trade, TradeStationClient

DEADLINE_S = 15.0


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> AsyncIterator[TradeStationClient]:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")
    client = TradeStationClient()
    try:
        yield client
    finally:
        await client.close()


class Collector:
    """An async callback that keeps what it is given and can be waited for."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._arrived = asyncio.Event()

    async def __call__(self, data: Any) -> None:
        self.seen.append(data)
        self._arrived.set()

    async def first(self) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            await self._arrived.wait()
        return self.seen[0]


async def test_quotes_reach_the_callback_and_read_like_the_venues_json(client: TradeStationClient) -> None:
    symbols = {"AAPL", "MSFT", "GOOGL"}
    seen: dict[str, Any] = {}
    complete = asyncio.Event()

    async def quote_callback(quote_data: Any) -> None:
        seen[quote_data.get("Symbol")] = quote_data.get("Last")
        if seen.keys() == symbols:
            complete.set()

    subscription = await client.market_data.stream_quotes(symbols=["AAPL", "MSFT", "GOOGL"], callback=quote_callback)
    async with asyncio.timeout(DEADLINE_S):
        await complete.wait()
    await subscription.unsubscribe()
    assert all(float(last) > 0 for last in seen.values())


async def test_symbols_and_callback_may_be_positional(client: TradeStationClient) -> None:
    quote_callback = Collector()
    subscription = await client.market_data.stream_quotes(["AAPL"], quote_callback)
    assert (await quote_callback.first()).get("Symbol") == "AAPL"
    await subscription.unsubscribe()


async def test_bars_of_one_minute_are_asked_for_with_digits_only(client: TradeStationClient) -> None:
    bar_callback = Collector()
    subscription = await client.market_data.stream_bars(symbol="SPY", interval="1", callback=bar_callback)
    bar = await bar_callback.first()
    assert isinstance(bar, Bar)
    assert (bar.symbol, bar.interval) == ("SPY", "1m")
    assert float(bar.get("Close")) == bar.close
    await subscription.unsubscribe()


async def test_time_and_sales_are_trades(client: TradeStationClient) -> None:
    trade_callback = Collector()
    subscription = await client.market_data.stream_time_and_sales(symbol="AAPL", callback=trade_callback)
    trade = await trade_callback.first()
    assert isinstance(trade, Trade)
    assert trade.symbol == "AAPL"
    assert trade.price > 0
    await subscription.unsubscribe()


async def test_order_updates_reach_the_callback(client: TradeStationClient) -> None:
    order_update_callback = Collector()
    subscription = await client.order_execution.stream_order_updates(callback=order_update_callback)
    order = await client.order_execution.place_order(symbol="MSFT", side="buy", quantity=1)
    update = await order_update_callback.first()
    assert update.get("OrderID") == order.order_id
    await subscription.unsubscribe()


async def test_positions_and_balances_reach_their_callbacks(client: TradeStationClient) -> None:
    position_callback, balance_callback = Collector(), Collector()
    positions = await client.brokerage.stream_position_changes(callback=position_callback)
    balances = await client.brokerage.stream_balance_changes(callback=balance_callback)
    assert isinstance(await position_callback.first(), Position)
    assert isinstance(await balance_callback.first(), Balance)
    await positions.unsubscribe()
    await balances.unsubscribe()


async def test_unsubscribing_ends_the_callbacks_and_frees_the_stream(client: TradeStationClient) -> None:
    quote_callback = Collector()
    subscription = await client.market_data.stream_quotes(["AAPL"], quote_callback)
    await quote_callback.first()
    assert subscription.is_active
    await subscription.unsubscribe()
    count = len(quote_callback.seen)
    await asyncio.sleep(0)
    assert not subscription.is_active
    assert client.streams.active_streams == ()
    assert len(quote_callback.seen) == count


async def test_several_subscriptions_end_with_close_all_streams(client: TradeStationClient) -> None:
    callback = Collector()
    subscriptions: list[Subscription[Any]] = [
        await client.market_data.stream_quotes(["AAPL"], callback),
        await client.market_data.stream_bars("SPY", "5", callback),
    ]
    await client.close_all_streams()
    assert [subscription.is_active for subscription in subscriptions] == [False, False]
    again = await client.market_data.stream_quotes(["AAPL"], callback)
    assert again.is_active


async def test_the_eleventh_stream_raises_a_value_error_and_a_freed_slot_serves_it(client: TradeStationClient) -> None:
    callback = Collector()
    names = ["AAPL", "MSFT", "GOOGL", "AMZN", "META", "NVDA", "TSLA", "IBM", "KO", "SPY", "QQQ"]
    bars = [await client.market_data.stream_bars(name, "1", callback) for name in names[:10]]
    with pytest.raises(ValueError, match="10 concurrent streams") as caught:
        await client.market_data.stream_bars(names[10], "1", callback)
    assert isinstance(caught.value, StreamLimitError)
    assert len(caught.value.holders) == 10
    await bars[0].unsubscribe()
    assert (await client.market_data.stream_bars(names[10], "1", callback)).is_active


async def test_closing_the_client_ends_everything(client: TradeStationClient) -> None:
    subscription = await client.market_data.stream_quotes(["AAPL"], Collector())
    await client.close()
    assert not subscription.is_active
    assert client.streams.active_streams == ()
    await client.close()
