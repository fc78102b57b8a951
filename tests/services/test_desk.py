import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    InvalidSymbolError,
    StreamError,
    StreamLimitError,
)
from brokerwire.events import Event

# The cap


def test_the_stream_over_the_cap_names_the_holders_and_the_slot_comes_back(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            symbols = ["AAPL", "MSFT", "AMZN", "GOOGL", "NVDA", "TSLA", "META", "SPY", "QQQ", "IBM"]
            held = [await client.market_data.stream_bars(symbol, "1m", lambda _: None) for symbol in symbols]
            assert len(client.streams) == 10
            with pytest.raises(StreamLimitError) as caught:
                await client.market_data.stream_bars("INTC", "1m", lambda _: None)
            assert isinstance(caught.value, ValueError)
            assert len(caught.value.holders) == 10
            assert all(holder in str(caught.value) for holder in caught.value.holders)
            assert len(client.subscriptions) == 10
            await held[3].unsubscribe()
            assert len(client.streams) == 9
            late = await client.market_data.stream_bars("INTC", "1m", lambda _: None)
            assert late.state == "live"

    virtual(main)


def test_a_call_that_needs_more_streams_than_there_are_opens_none(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"), max_concurrent_streams=2)
            with pytest.raises(StreamLimitError, match="cap of this client is 2"):
                await client.market_data.stream_bars(["AAPL", "MSFT", "AMZN"], "1m", lambda _: None)
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()

    virtual(main)


def test_the_venues_own_cap_tightens_ours(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"), max_concurrent_streams=30)
            symbols = [
                f"{name}"
                for name in ("AAPL", "MSFT", "AMZN", "GOOGL", "NVDA", "TSLA", "META", "SPY", "QQQ", "IBM", "INTC")
            ]
            with pytest.raises(StreamLimitError, match="tradestation for depth_stream is 10"):
                await client.market_data.stream_market_depth(symbols, lambda _: None)

    virtual(main)


def test_the_cap_holds_under_races_and_no_slot_is_lost(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation", settings={"limit_scale": 1000.0})
            client = await venue.client(simulator, max_concurrent_streams=3)
            dice = random.Random(5)
            most = refused = 0

            async def visit(number: int) -> None:
                nonlocal most, refused
                await virtual.clock.sleep(dice.uniform(0, 120))
                try:
                    symbol = ("AAPL", "MSFT", "AMZN", "GOOGL", "NVDA", "TSLA")[number % 6]
                    subscription = await client.market_data.stream_bars(symbol, f"{number % 7 + 1}m", lambda _: None)
                except StreamLimitError:
                    refused += 1
                    return
                most = max(most, len(simulator.connections))
                await virtual.clock.sleep(dice.uniform(0, 10))
                await subscription.unsubscribe()

            async with asyncio.TaskGroup() as group:
                for number in range(100):
                    group.create_task(visit(number))
            assert 0 < most <= 3
            assert refused > 0
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()

    virtual(main)


# Sharing


def test_two_spellings_share_the_wire_and_each_gets_its_own_back(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("binance")
            client = await venue.client(simulator)
            plain = await client.market_data.stream_trades("BTCUSDT")
            slashed = await client.market_data.stream_trades("btc/usdt")
            assert len(client.streams) == 1
            assert client.streams.active_streams[0].topics == plain.topics == slashed.topics
            async with asyncio.timeout(30):
                first, second = await anext(aiter(plain)), await anext(aiter(slashed))
            assert (first.symbol, second.symbol) == ("BTCUSDT", "btc/usdt")
            assert slashed.latest("btc/usdt") is not None
            assert slashed.latest("BTCUSDT") is None
            await plain.unsubscribe()
            assert slashed.state == "live"
            assert len(client.streams) == 1
            await slashed.unsubscribe()
            assert len(client.streams) == 0

    virtual(main)


def test_two_spellings_in_one_subscription_are_both_served(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            seen: list[str] = []
            subscription = await client.market_data.stream_trades(
                ["BTCUSDT", "BTC/USDT"], lambda trade: seen.append(trade.symbol)
            )
            await virtual.clock.sleep(10)
            assert set(seen) == {"BTCUSDT", "BTC/USDT"}
            assert subscription.state == "live"

    virtual(main)


def test_the_same_topic_twice_is_on_the_wire_once(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            counts = [0, 0]

            def counter(index: int) -> Callable[[Event], None]:
                def count(_event: Event) -> None:
                    counts[index] += 1

                return count

            first = await client.market_data.stream_quotes("AAPL", counter(0))
            second = await client.market_data.stream_quotes("AAPL", counter(1))
            await asyncio.gather(first.ready(), second.ready())
            assert len(simulator.connections) == len(client.streams) == 1
            await virtual.clock.sleep(5)
            assert min(counts) > 0
            await first.unsubscribe()
            before = counts[0]
            await virtual.clock.sleep(5)
            assert counts[0] == before
            assert counts[1] > before
            assert second.state == "live"

    virtual(main)


# Adding and removing


@pytest.mark.parametrize(("venue_name", "symbols"), [("binance", "BTCUSDT ETHUSDT"), ("tradestation", "AAPL MSFT")])
def test_symbols_can_be_added_and_removed(virtual: Any, offline: Any, venue_name: str, symbols: str) -> None:
    one, other = symbols.split()

    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator(venue_name)
            client = await venue.client(simulator)
            seen: list[str] = []
            subscription = await client.market_data.stream_quotes(one, lambda quote: seen.append(quote.symbol))
            await subscription.add_symbols(other)
            await subscription.add_symbols([other])
            assert subscription.state == "live"
            await virtual.clock.sleep(10)
            assert set(seen) == {one, other}
            assert subscription.latest(other) is not None
            await subscription.remove_symbols(one)
            await virtual.clock.sleep(3)
            seen.clear()
            await virtual.clock.sleep(10)
            assert set(seen) == {other}
            assert subscription.latest(one) is None
            assert [topic.symbol for topic in subscription.topics] == [other]
            await subscription.unsubscribe()
            assert client.streams.active_streams == ()
            with pytest.raises(StreamError, match="ended"):
                await subscription.add_symbols(one)

    virtual(main)


def test_an_unknown_symbol_among_those_added_changes_nothing(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            subscription = await client.market_data.stream_quotes("BTCUSDT", lambda _: None)
            with pytest.raises(InvalidSymbolError) as caught:
                await subscription.add_symbols(["ETHUSDT", "NOSUCHCOIN"])
            assert "NOSUCHCOIN" in str(caught.value)
            assert [topic.symbol for topic in subscription.topics] == ["BTCUSDT"]
            assert subscription.state == "live"
            with pytest.raises(InvalidSymbolError, match="not subscribed here"):
                await subscription.remove_symbols("ETHUSDT")

    virtual(main)


def test_symbols_that_do_not_fit_under_the_cap_change_nothing(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"), max_concurrent_streams=1)
            subscription = await client.market_data.stream_bars("AAPL", "1m", lambda _: None)
            with pytest.raises(StreamLimitError):
                await subscription.add_symbols("MSFT")
            assert [topic.symbol for topic in subscription.topics] == ["AAPL"]
            assert subscription.state == "live"
            await subscription.ready()

    virtual(main)


def test_removing_the_last_symbol_leaves_a_subscription_that_can_grow_again(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            seen: list[str] = []
            subscription = await client.market_data.stream_trades("BTCUSDT", lambda trade: seen.append(trade.symbol))
            await subscription.remove_symbols(["BTCUSDT"])
            assert len(client.streams) == 0
            await subscription.add_symbols("ETHUSDT")
            seen.clear()
            await virtual.clock.sleep(5)
            assert set(seen) == {"ETHUSDT"}

    virtual(main)


# Refusals and patience


def test_one_unknown_symbol_among_several_subscribes_to_nothing(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            with pytest.raises(InvalidSymbolError) as caught:
                await client.market_data.stream_quotes(["BTCUSDT", "NOSUCHCOIN"], lambda _: None)
            assert caught.value.symbol == "NOSUCHCOIN"
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()

    virtual(main)


def test_every_symbol_refused_inside_the_stream_fails_the_subscription(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            try:
                subscription = await client.market_data.stream_quotes("NOSUCHSYM", lambda _: None)
            except InvalidSymbolError:
                return
            with pytest.raises(InvalidSymbolError) as caught:
                await asyncio.wait_for(subscription.wait_closed(), 60)
            assert caught.value.symbol == "NOSUCHSYM"
            assert subscription.state == "failed"
            assert client.streams.active_streams == ()

    virtual(main)


def test_one_symbol_refused_inside_the_stream_is_told_and_the_others_go_on(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            errors: list[Exception] = []
            seen: set[str] = set()
            subscription = await client.market_data.stream_quotes(
                ["AAPL", "NOSUCHSYM"],
                lambda quote: seen.add(quote.symbol),
                error_callback=lambda error, _event: errors.append(error),
            )
            await virtual.clock.sleep(30)
            assert any(isinstance(error, InvalidSymbolError) for error in errors)
            assert seen == {"AAPL"}
            assert subscription.state == "live"

    virtual(main)


Opening = Callable[[Client], Awaitable[Any]]
OPENINGS: dict[str, tuple[str, Opening]] = {
    "binance quotes": ("binance", lambda client: client.market_data.stream_quotes("BTCUSDT", print)),
    "tradestation quotes": ("tradestation", lambda client: client.market_data.stream_quotes("AAPL", print)),
    "tradestation orders": ("tradestation", lambda client: client.order_execution.stream_order_updates(print)),
    "tradestation balances": ("tradestation", lambda client: client.brokerage.stream_balance_changes(print)),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_venue_that_never_answers_is_given_up_after_subscribe_timeout(virtual: Any, offline: Any, name: str) -> None:
    venue_name, opening = OPENINGS[name]

    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator(venue_name)
            client = await venue.client(simulator, subscribe_timeout=7)
            if venue_name == "tradestation":
                await client.brokerage.get_accounts()
            simulator.faults.set("silent_accept")
            started = virtual.clock.monotonic()
            with pytest.raises(StreamError) as caught:
                await opening(client)
            assert virtual.clock.monotonic() - started == pytest.approx(7, abs=0.5)
            assert caught.value.action == "retry"
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()
            simulator.faults.clear()

    virtual(main)


def test_a_token_that_does_not_come_is_an_authentication_error_after_subscribe_timeout(
    virtual: Any, offline: Any
) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            simulator.faults.set("token_down:slow", seconds=60)
            client = await venue.client(simulator, subscribe_timeout=7)
            started = virtual.clock.monotonic()
            with pytest.raises(AuthenticationError):
                await client.market_data.stream_quotes("AAPL", print)
            assert virtual.clock.monotonic() - started == pytest.approx(7, abs=0.5)
            assert client.streams.active_streams == ()

    virtual(main)


def test_a_dial_that_fails_at_first_is_repeated_until_it_stands(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            simulator.faults.set("refuse:503", channel="stream", times=2)
            subscription = await client.market_data.stream_quotes("AAPL", lambda _: None)
            assert subscription.state == "live"

    virtual(main)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_dial_asks_for_one_new_token_at_most_and_leaves_nothing(
    virtual: Any, offline: Any, status: int
) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            await client.brokerage.get_accounts()
            simulator.faults.set(f"reject_auth:{status}")
            with pytest.raises(AuthenticationError):
                await client.market_data.stream_quotes("AAPL", print)
            assert client.tokens is not None
            assert client.tokens.refresh_count == (2 if status == 401 else 1)
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()

    virtual(main)


def test_cancelling_the_call_leaves_nothing(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            await client.brokerage.get_accounts()
            simulator.faults.set("silent_accept")
            opening = asyncio.create_task(client.market_data.stream_quotes("AAPL", print))
            await virtual.clock.sleep(2)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            assert opening.cancelled()
            assert client.streams.active_streams == ()
            assert client.subscriptions == ()
            simulator.faults.clear()

    virtual(main)


def test_accounts_that_are_none_are_refused(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            with pytest.raises(ConfigurationError):
                await client.order_execution.stream_order_updates(print, accounts=[])
            with pytest.raises(BrokerwireError):
                await client.brokerage.stream_position_changes(print, accounts="no such account!")
            assert client.streams.active_streams == ()

    virtual(main)


# How a subscription is used


def test_a_subscription_ends_with_its_context(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            async with await client.market_data.stream_trades("BTCUSDT") as trades:
                found = []
                async for trade in trades:
                    found.append(trade)
                    if len(found) == 3:
                        break
            assert trades.state == "closed"
            assert client.streams.active_streams == ()
            await trades.wait_closed()

    virtual(main)


def test_unsubscribing_in_an_own_callback_works(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            seen: list[Any] = []
            opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

            async def callback(event: Any) -> None:
                seen.append(event)
                await (await opened).unsubscribe()
                assert client.streams.active_streams == ()

            opened.set_result(await client.market_data.stream_trades("BTCUSDT", callback))
            async with asyncio.timeout(30):
                await opened.result().wait_closed()
            assert len(seen) == 1

    virtual(main)


def test_cancelling_in_a_plain_callback_stops_at_once(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            seen: list[Any] = []
            holder: list[Any] = []

            def callback(event: Any) -> None:
                seen.append(event)
                for subscription in holder:
                    subscription.cancel()

            holder.append(await client.market_data.stream_trades("BTCUSDT", callback))
            async with asyncio.timeout(30):
                await holder[0].wait_closed()
            assert len(seen) == 1
            assert client.streams.active_streams == ()

    virtual(main)


def test_a_callback_added_later_hears_what_comes_after(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            first: list[Any] = []
            second: list[Any] = []
            subscription = await client.market_data.stream_trades("BTCUSDT", first.append)
            await virtual.clock.sleep(5)
            subscription.add_callback(second.append)
            before = len(first)
            await virtual.clock.sleep(5)
            assert second == first[before:]
            assert len(second) > 0
            stats = subscription.stats
            assert stats.received == stats.delivered + stats.dropped + stats.coalesced + stats.pending

    virtual(main)


def test_closing_waits_for_a_callback_whose_unsubscribe_was_given_up(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        began = asyncio.Event()

        async def dawdle(_event: object) -> None:
            began.set()
            await asyncio.sleep(1.0)

        async with offline() as place:
            client = await place.client(await place.simulator("tradestation"))
            trades = await client.market_data.stream_trades("MSFT", dawdle)
            await began.wait()
            leaving = asyncio.create_task(trades.unsubscribe())
            while client.subscriptions:  # noqa: ASYNC110  # virtual time: a poll costs nothing
                await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            assert trades.closing is not None
            assert not trades.closing.done()
            await client.close()
            assert trades.closing.done()

    virtual(main)
