"""F14: an unknown symbol or address is fatal for that subscription alone, and says so."""

from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import until

from brokerwire import BrokerwireError, InvalidSymbolError, RequestError, UnsupportedError

COIN = "BINANCE:BTCUSDT"
REFUSED: list[tuple[str, str, dict[str, Any], type[BrokerwireError], str]] = [
    ("quotes", "BINANCE:NOSUCH", {}, InvalidSymbolError, "invalid symbol"),
    ("bars", "BINANCE:NOSUCH", {}, InvalidSymbolError, "invalid symbol"),
    ("bars", COIN, {"interval": "7m"}, UnsupportedError, "custom_resolution"),
    ("bars", COIN, {"interval": "1s"}, UnsupportedError, "seconds_not_entitled"),
    ("studies", COIN, {"interval": "1m", "study": "NoSuch@tv-basicstudies"}, RequestError, "NoSuch"),
    ("studies", "BINANCE:NOSUCH", {"interval": "1m", "study": "RSI@tv-basicstudies"}, InvalidSymbolError, "invalid"),
]
"""TradingView's refusals: a stream, a symbol, what else is asked for, the error, and the venue's own words."""


def test_a_symbol_that_is_refused_inside_the_stream_goes_to_the_error_callback(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        other = await row.watch(client, "quotes", "MSFT")
        watch = await row.watch(client, "quotes", ["AAPL", "NOSUCHSYMBOL"])
        await until(lambda: bool(watch.errors))
        error = watch.errors[0][0]
        assert isinstance(error, InvalidSymbolError)
        assert error.symbol == "NOSUCHSYMBOL"
        assert "INVALID SYMBOL" in str(error)
        await watch.more(5)
        assert [topic.symbol for topic in watch.subscription.topics] == ["AAPL"]
        await other.more(5)
        assert other.states == ["live"]
        assert other.gaps == []

    row(main)


def test_a_subscription_whose_every_symbol_is_refused_has_failed(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        other = await row.watch(client, "quotes", "MSFT")
        watch = await row.watch(client, "quotes", "NOSUCHSYMBOL", flows=False)
        with pytest.raises(InvalidSymbolError, match="INVALID SYMBOL") as caught:
            await watch.subscription.wait_closed()
        assert caught.value.symbol == "NOSUCHSYMBOL"
        await other.more(5)
        assert len(client.streams) == 1

    row(main)


@pytest.mark.parametrize(("venue", "unknown"), [("binance", "NOSUCH"), ("tradingview", "BINANCE:NOSUCH")])
def test_one_unknown_symbol_among_several_subscribes_nothing(row: Row, venue: str, unknown: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        known, neighbour, *_ = VENUES[venue].symbols
        other = await row.watch(client, "quotes", neighbour)
        error = await row.watch_in_vain(client, "quotes", [known, unknown])
        assert isinstance(error, InvalidSymbolError)
        assert error.symbol == unknown
        await until(lambda: row.wire(simulator) == {("quote", neighbour): 1}, 5)
        await other.more(5)
        assert other.states == ["live"]

    row(main)


@pytest.mark.parametrize(
    ("venue", "symbol", "status"),
    [
        ("tradestation", "AAPL", 404),
        ("tradestation", "AAPL", 426),
        ("binance", "BTCUSDT", 404),
        ("tradingview", "BINANCE:BTCUSDT", 404),
    ],
)
def test_an_address_that_is_refused_for_good_fails_the_call_only(
    row: Row, venue: str, symbol: str, status: int
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        channel = symbol if venue == "tradestation" else VENUES[venue].dial
        other = await row.watch(client, "quotes", VENUES[venue].symbols[1])
        simulator.faults.set(f"refuse:{status}", channel=channel)
        error = await row.watch_in_vain(client, "quotes", symbol, overflow="block")
        assert isinstance(error, BrokerwireError)
        assert simulator.journal.count("dial") == 2
        await other.more(5)
        assert other.states == ["live"]

    row(main)


@pytest.mark.parametrize(("method", "symbol", "options", "kind", "words"), REFUSED)
def test_a_chart_that_is_refused_fails_alone_and_says_why(
    row: Row, method: str, symbol: str, options: dict[str, Any], kind: type[BrokerwireError], words: str
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings={"plan": ""})
        client = row.client(simulator)
        others = [await row.watch(client, "quotes", COIN), await row.watch(client, "bars", COIN)]
        error = await row.watch_in_vain(client, method, symbol, **options)
        assert isinstance(error, kind)
        assert words in str(error)
        assert symbol in str(error)
        for other in others:
            await other.more(5)
            assert other.states == ["live"]
            assert other.gaps == []
        assert simulator.journal.count("dial") == 1

    row(main)
