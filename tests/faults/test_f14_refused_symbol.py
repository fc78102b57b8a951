"""F14: an unknown symbol or address is fatal for that subscription alone, and says so."""

import pytest
from tests.faults.conftest import Row
from tests.faults.waiting import until

from brokerwire import BrokerwireError, InvalidSymbolError


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


def test_one_unknown_symbol_among_several_subscribes_nothing(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        other = await row.watch(client, "quotes", "ETHUSDT")
        error = await row.watch_in_vain(client, "quotes", ["BTCUSDT", "NOSUCH"])
        assert isinstance(error, InvalidSymbolError)
        assert error.symbol == "NOSUCH"
        assert simulator.journal.count("subscribe") == 1
        await other.more(5)
        assert other.states == ["live"]

    row(main)


@pytest.mark.parametrize(
    ("venue", "symbol", "status"),
    [("tradestation", "AAPL", 404), ("tradestation", "AAPL", 426), ("binance", "BTCUSDT", 404)],
)
def test_an_address_that_is_refused_for_good_fails_the_call_only(
    row: Row, venue: str, symbol: str, status: int
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        channel = symbol if venue == "tradestation" else "/stream"
        other = await row.watch(client, "quotes", "MSFT" if venue == "tradestation" else "ETHUSDT")
        simulator.faults.set(f"refuse:{status}", channel=channel)
        error = await row.watch_in_vain(client, "quotes", symbol, overflow="block")
        assert isinstance(error, BrokerwireError)
        assert simulator.journal.count("dial") == 2
        await other.more(5)
        assert other.states == ["live"]

    row(main)
