"""F16: the server revokes a token before its time."""

from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import LOGINS
from tests.faults.waiting import reached, until


@pytest.mark.parametrize("expiry", ["end", "error"])
def test_a_stream_that_a_revoked_token_ends_is_back_within_ten_seconds(row: Row, expiry: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"stream_expiry": expiry})
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", "AAPL")
        await watch.more(20)
        revoked = row.now()
        simulator.faults.set("expire_token:1200")
        await until(lambda: "recovering" in watch.states, 10)
        assert await reached(watch, "live", within_s=10) - revoked <= 10.0
        await watch.more(10)
        assert client.tokens is not None
        assert client.tokens.refresh_count == 2
        assert len(watch.gaps) == 1

    row(main)


@pytest.mark.parametrize(
    ("venue", "symbol", "settings"),
    [
        ("tradestation", "AAPL", {}),
        ("tradingview", "BINANCE:BTCUSDT", {"expired_tokens": "refuse"}),
        ("tradingview", "BINANCE:BTCUSDT", {"expired_tokens": "heartbeats"}),
    ],
)
def test_a_stream_that_only_beats_after_the_revocation_is_replaced_with_a_new_token(
    row: Row, venue: str, symbol: str, settings: dict[str, Any]
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=settings)
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        await row.sleep(60)
        revoked = row.now()
        simulator.faults.set("expire_token:1200")
        if venue == "tradestation":
            simulator.faults.set("mute", times=1)
        assert await reached(watch, "stale", within_s=30) - revoked <= 25.0
        heard = len(watch.events)
        await watch.more(10)
        assert watch.times[heard] - revoked <= 50.0
        assert client.tokens is not None
        assert client.tokens.refresh_count == 2

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
def test_a_request_with_a_revoked_token_is_repeated_with_a_new_one(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        await client.market_data.get_quotes([symbol])
        simulator.faults.set("expire_token:1200")
        (quote,) = await client.market_data.get_quotes([symbol])
        assert quote.symbol == symbol
        assert client.tokens is not None
        assert client.tokens.refresh_count == 2

    row(main)
