"""F13: 401 and 403 on connect: one forced refresh, one further attempt, then FAILED."""

import pytest
from tests.faults.conftest import Row

from brokerwire import AuthenticationError, BrokerwireError


@pytest.mark.parametrize("status", [401, 403])
def test_a_dial_that_is_refused_twice_fails_the_call(row: Row, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        await client.market_data.get_quotes(["AAPL"])
        assert client.tokens is not None
        simulator.faults.set(f"reject_auth:{status}")
        error = await row.watch_in_vain(client, "quotes", "AAPL")
        assert isinstance(error, AuthenticationError)
        assert client.tokens.refresh_count == (2 if status == 401 else 1)
        assert simulator.journal.count("dial") == (2 if status == 401 else 1)
        assert len(client.streams) == 0

    row(main)


@pytest.mark.parametrize("status", [401, 403])
def test_a_stream_that_is_refused_on_its_return_ends_failed(row: Row, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", "AAPL")
        await watch.more(5)
        simulator.faults.set(f"reject_auth:{status}", channel="/stream/")
        simulator.connections.drop()
        with pytest.raises(AuthenticationError):
            await watch.subscription.wait_closed()
        assert watch.subscription.state == "failed"
        assert simulator.journal.count("dial") == 1 + (2 if status == 401 else 1)
        assert client.tokens is not None
        assert client.tokens.refresh_count == (2 if status == 401 else 1)

    row(main)


def test_a_refusal_that_a_new_token_cures_is_not_noticed(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        await client.market_data.get_quotes(["AAPL"])
        simulator.faults.set("reject_auth:401", times=1)
        watch = await row.watch(client, "quotes", "AAPL")
        await watch.more(5)
        assert watch.states == ["live"]
        assert client.tokens is not None
        assert client.tokens.refresh_count == 2

    row(main)


@pytest.mark.parametrize("status", [401, 403])
def test_a_websocket_handshake_that_is_refused_fails_at_once(row: Row, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        simulator.faults.set(f"refuse:{status}", channel="/stream")
        error = await row.watch_in_vain(client, "quotes", "BTCUSDT")
        assert isinstance(error, BrokerwireError)
        assert error.status == status
        assert simulator.journal.count("dial") <= 2
        assert len(client.streams) == 0

    row(main)
