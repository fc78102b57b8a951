"""F13: 401 and 403 on connect: one forced refresh, one further attempt, then FAILED."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import LOGINS, VENUES

from brokerwire import AuthenticationError, BrokerwireError

REFUSALS = {"tradestation": "reject_auth", "tradingview": "refuse"}
"""What refuses a dial with a status; a token is refused by TradingView in the stream itself."""

CASES = [(venue, symbol, status) for venue, symbol in LOGINS for status in (401, 403)]


@pytest.mark.parametrize(("venue", "symbol", "status"), CASES)
def test_a_dial_that_is_refused_twice_fails_the_call(row: Row, venue: str, symbol: str, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        await client.start()
        assert client.tokens is not None
        await client.tokens.token()
        simulator.faults.set(f"{REFUSALS[venue]}:{status}", channel=VENUES[venue].dial)
        error = await row.watch_in_vain(client, "quotes", symbol)
        assert error.status == status
        assert isinstance(error, AuthenticationError) or venue == "tradingview"
        assert client.tokens.refresh_count == (2 if status == 401 else 1)
        assert simulator.journal.count("dial") == (2 if status == 401 else 1)
        assert len(client.streams) == 0

    row(main)


@pytest.mark.parametrize(("venue", "symbol", "status"), CASES)
def test_a_stream_that_is_refused_on_its_return_ends_failed(row: Row, venue: str, symbol: str, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        simulator.faults.set(f"{REFUSALS[venue]}:{status}", channel=VENUES[venue].dial)
        simulator.connections.drop()
        with pytest.raises(BrokerwireError) as caught:
            await watch.subscription.wait_closed()
        assert caught.value.status == status
        assert watch.subscription.state == "failed"
        assert simulator.journal.count("dial") == 1 + (2 if status == 401 else 1)
        assert client.tokens is not None
        assert client.tokens.refresh_count == (2 if status == 401 else 1)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
def test_a_refusal_that_a_new_token_cures_is_not_noticed(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        await client.start()
        assert client.tokens is not None
        await client.tokens.token()
        simulator.faults.set(f"{REFUSALS[venue]}:401", channel=VENUES[venue].dial, times=1)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        assert watch.states == ["live"]
        assert client.tokens.refresh_count == 2

    row(main)


def test_a_token_that_the_stream_refuses_is_renewed_and_said_on_another_connection(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        client = row.client(simulator)
        await client.start()
        assert client.tokens is not None
        await client.tokens.token()
        simulator.faults.set("expire_token:1200")
        watch = await row.watch(client, "quotes", "BINANCE:BTCUSDT")
        await watch.more(5)
        assert watch.states == ["live"]
        assert client.tokens.refresh_count == 2
        assert simulator.journal.count("dial") == 2

    row(main)


def test_a_login_that_the_stream_and_the_page_refuse_ends_the_call(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        client = row.client(simulator)
        await client.start()
        assert client.tokens is not None
        await client.tokens.token()
        simulator.faults.set("reject_auth:401")
        error = await row.watch_in_vain(client, "quotes", "BINANCE:BTCUSDT")
        assert isinstance(error, AuthenticationError)
        assert error.action == "stop"
        assert client.tokens.refresh_count == 2
        assert simulator.journal.count("dial") == 1
        assert len(client.streams) == 0

    row(main)


def test_a_given_token_that_the_stream_refuses_is_never_tried_again(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        client = row.client(simulator, credentials={"auth_token": "canary.auth-token-4711.sig"})
        error = await row.watch_in_vain(client, "quotes", "BINANCE:BTCUSDT")
        assert isinstance(error, AuthenticationError)
        assert error.action == "stop"
        assert "bad auth token" in str(error)
        assert simulator.journal.count("dial") == 1

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
