import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    InvalidSymbolError,
    RateLimitError,
    UnsupportedError,
    VenueUnavailableError,
)
from brokerwire.services.market_data import CAPABILITIES, MarketDataService

SYMBOLS = {"binance": ["BTCUSDT", "ETHUSDT"], "tradestation": ["AAPL", "MSFT"]}
VENUES = sorted(SYMBOLS)
Test = Callable[[Any, Client], Awaitable[None]]


@pytest.fixture(params=VENUES)
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(virtual: Any, offline: Any) -> Callable[[str, Test], None]:
    """Runs a test with a simulator and a client of one venue, in virtual time."""

    def runner(venue_name: str, test: Test) -> None:
        async def main() -> None:
            async with offline() as venue:
                simulator = await venue.simulator(venue_name)
                await test(simulator, await venue.client(simulator))

        virtual(main)

    return runner


def test_quotes_come_in_order_under_the_symbols_as_given(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        one, other = SYMBOLS[venue_name]
        given = [other.lower(), one]
        quotes = await client.market_data.get_quotes(given)
        assert {quote.symbol for quote in quotes} == set(given)
        for quote in quotes:
            assert quote.bid is not None
            assert quote.ask is not None
            assert quote.bid < quote.ask
            assert quote.venue == venue_name
        assert len(await client.market_data.get_quotes(one)) == 1

    run(venue_name, test)


def test_an_unknown_symbol_is_named(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        for call in (
            client.market_data.get_quotes([SYMBOLS[venue_name][0], "NOSUCHSYM"]),
            client.market_data.get_bars("NOSUCHSYM"),
        ):
            with pytest.raises(InvalidSymbolError) as caught:
                await call
            assert caught.value.action == "stop"

    run(venue_name, test)


def test_bars_come_oldest_first_without_repetitions(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        symbol = SYMBOLS[venue_name][0].lower()
        bars = await client.market_data.get_bars(symbol, "1", limit=1500)
        times = [bar.open_time_ns for bar in bars]
        assert len(times) == 1500
        assert times == sorted(set(times))
        assert {bar.symbol for bar in bars} == {symbol}
        assert {bar.interval for bar in bars} == {"1m"}
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)

    run(venue_name, test)


def test_bars_between_two_times_open_within_them(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        end = datetime(2026, 11, 17, 20, tzinfo=UTC)
        start = end - timedelta(hours=3)
        symbol = SYMBOLS[venue_name][0]
        bars = await client.market_data.get_bars(symbol, "5m", start=start, end=end)
        opened = [bar.open_time_ns / 1e9 for bar in bars]
        assert len(opened) == 36
        assert (opened[0], opened[-1]) == (start.timestamp(), end.timestamp() - 300)
        naive = await client.market_data.get_bars(
            symbol, "5m", start=start.replace(tzinfo=None), end=end.replace(tzinfo=None)
        )
        assert naive == [_restamped(bar, mine) for bar, mine in zip(bars, naive, strict=True)]

    run(venue_name, test)


def _restamped(bar: Any, like: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(bar, received_ns=like.received_ns)


def test_wrong_arguments_are_refused_before_anything_is_asked(run: Any, venue_name: str) -> None:
    async def test(simulator: Any, client: Client) -> None:
        market_data = client.market_data
        symbol = SYMBOLS[venue_name][0]
        before = len(simulator.journal.entries(None))
        calls: list[Awaitable[Any]] = [
            market_data.get_quotes([]),
            market_data.get_quotes(""),
            market_data.get_bars(symbol, "fortnight"),
            market_data.get_bars(symbol, limit=0),
            market_data.get_bars(symbol, limit=1.5),  # type: ignore[arg-type]  # the mistake
            market_data.stream_quotes([], print),
            market_data.stream_quotes(symbol, print, overflow="explode"),  # type: ignore[arg-type]  # the mistake
            market_data.stream_quotes(symbol, print, max_pending=0),
            market_data.stream_quotes(symbol, print, wrong=1),  # type: ignore[call-arg]  # the mistake
            market_data.stream_quotes(symbol, print, overflow="block"),
            market_data.stream_quotes(symbol, "not callable"),  # type: ignore[arg-type]  # the mistake
            market_data.stream_bars(symbol, "0m", print),
            market_data.stream_bars(symbol, "1m", print, bars_back=-1),
            market_data.stream_market_depth(symbol, print, depth=0),
        ]
        for call in calls:
            with pytest.raises(ConfigurationError):
                await call
        assert client.subscriptions == ()
        assert client.streams.active_streams == ()
        assert len(simulator.journal.entries("stream")) == 0
        assert before >= 0

    run(venue_name, test)


OPENINGS: dict[str, Callable[[MarketDataService, str, Any], Awaitable[Any]]] = {
    "quotes": lambda service, symbol, callback: service.stream_quotes(symbol, callback),
    "trades": lambda service, symbol, callback: service.stream_trades(symbol, callback),
    "time and sales": lambda service, symbol, callback: service.stream_time_and_sales(symbol, callback),
    "bars": lambda service, symbol, callback: service.stream_bars(symbol, "1m", callback),
    "depth": lambda service, symbol, callback: service.stream_market_depth(symbol, callback, depth=5),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_every_stream_delivers_in_order_under_the_symbol_as_given(run: Any, venue_name: str, name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        symbol = SYMBOLS[venue_name][0].lower()
        plain: list[Any] = []
        awaited: list[Any] = []

        async def callback(event: Any) -> None:
            await asyncio.sleep(0)
            awaited.append(event)

        first = await OPENINGS[name](client.market_data, symbol, plain.append)
        second = await OPENINGS[name](client.market_data, symbol, callback)
        assert first.state == second.state == "live"
        async with asyncio.timeout(90):
            await asyncio.gather(first.ready(), second.ready())
        await asyncio.sleep(20)
        assert plain
        assert {event.symbol for event in plain} == {symbol}
        received = [event.received_ns for event in plain]
        assert received == sorted(received)
        assert first.latest(symbol) == plain[-1]
        assert first.latest() == plain[-1]
        assert awaited[-1] in plain
        for subscription in (first, second):
            stats = subscription.stats
            assert stats.received == stats.delivered + stats.dropped + stats.coalesced + stats.pending
            assert stats.errors == stats.dropped == 0

    run(venue_name, test)


def test_bars_of_the_past_come_first(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        bars: list[Any] = []
        subscription = await client.market_data.stream_bars(SYMBOLS[venue_name][0], "1m", bars.append, bars_back=5)
        async with asyncio.timeout(90):
            await subscription.ready()
        await asyncio.sleep(10)
        times = [bar.open_time_ns for bar in bars]
        assert times == sorted(times)
        assert len(set(times)) >= 5

    run(venue_name, test)


def test_a_book_keeps_its_sides_sorted_and_cut(run: Any, venue_name: str) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        books: list[Any] = []
        subscription = await client.market_data.stream_market_depth(SYMBOLS[venue_name][0], books.append, depth=3)
        async with asyncio.timeout(90):
            await subscription.ready()
        await asyncio.sleep(5)
        for book in books:
            bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert 0 < len(bids) <= 3
            assert 0 < len(asks) <= 3
            assert bids[0] < asks[0]

    run(venue_name, test)


def test_raw_hands_over_the_venues_own_messages(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        seen: list[Any] = []
        await client.market_data.stream_trades("BTCUSDT", seen.append, raw=True)
        await asyncio.sleep(10)
        assert seen
        assert {"e", "s", "p", "q"} <= set(seen[0])

    run("binance", test)


def test_binance_answers_the_rest_of_its_requests(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        market_data = client.market_data
        book = await market_data.get_market_depth("btc/usdt", depth=5)
        assert (book.symbol, len(book.bids), len(book.asks)) == ("btc/usdt", 5, 5)
        trades = await market_data.get_trades("BTC/USDT", limit=10)
        assert len(trades) == 10
        assert {trade.symbol for trade in trades} == {"BTC/USDT"}
        assert await market_data.validate_symbols(["BTCUSDT", "NOSUCHSYM"]) == {"BTCUSDT": True, "NOSUCHSYM": False}
        assert (await market_data.get_symbol_details("BTCUSDT"))[0]["symbol"] == "BTCUSDT"
        assert any(row["symbol"] == "BTCUSDT" for row in await market_data.search_symbols("BTC"))
        assert (await market_data.get_snapshots("BTCUSDT"))[0].volume is not None
        for call in (market_data.get_market_clock(), market_data.get_quote_history("BTCUSDT")):
            with pytest.raises(UnsupportedError):
                await call

    run("binance", test)


def test_tradestation_answers_the_rest_of_its_requests(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        market_data = client.market_data
        assert "BTCUSD" in await market_data.get_crypto_symbol_names()
        assert await market_data.get_option_expirations("AAPL")
        assert await market_data.get_option_strikes("AAPL")
        assert await market_data.get_option_spread_types()
        assert (await market_data.get_symbol_details("AAPL"))[0]["Symbol"] == "AAPL"
        assert await market_data.validate_symbols(["AAPL", "NOSUCHSYM"]) == {"AAPL": True, "NOSUCHSYM": False}
        rows: list[Any] = []
        chain = await market_data.stream_option_chain("AAPL", rows.append, strike_proximity=1, raw=False)
        async with asyncio.timeout(90):
            await chain.ready()
        assert rows[0].symbol == "AAPL"

    run("tradestation", test)


def test_a_venue_that_limits_is_waited_for_and_then_told(run: Any, virtual: Any, venue_name: str) -> None:
    async def test(simulator: Any, client: Client) -> None:
        symbol = SYMBOLS[venue_name][0]
        await client.market_data.get_quotes(symbol)
        simulator.faults.set("rate_limit:3", times=1)
        started = virtual.clock.monotonic()
        assert await client.market_data.get_quotes(symbol)
        assert virtual.clock.monotonic() - started >= 3
        simulator.faults.set("rate_limit:120")
        with pytest.raises(RateLimitError) as caught:
            await client.market_data.get_quotes(symbol)
        assert caught.value.retry_after_s == pytest.approx(120, abs=1)
        assert caught.value.status in {429, 418, 403}

    run(venue_name, test)


def test_a_venue_that_is_down_for_a_moment_is_asked_again(run: Any, venue_name: str) -> None:
    async def test(simulator: Any, client: Client) -> None:
        symbol = SYMBOLS[venue_name][0]
        await client.market_data.get_quotes(symbol)
        simulator.faults.set("refuse:503", times=1)
        assert await client.market_data.get_quotes(symbol)
        simulator.faults.set("refuse:503")
        with pytest.raises(VenueUnavailableError) as caught:
            await client.market_data.get_quotes(symbol)
        assert caught.value.action == "retry"
        assert isinstance(caught.value, BrokerwireError)

    run(venue_name, test)


def test_every_stream_has_its_capability() -> None:
    streams = {name.removeprefix("stream_") for name in vars(MarketDataService) if name.startswith("stream_")}
    assert streams == {*CAPABILITIES.values(), "time_and_sales"}
