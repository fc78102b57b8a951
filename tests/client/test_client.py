import asyncio
import contextlib
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from brokerwire import Client
from brokerwire.client.client import describe_venues
from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    OrderOutcomeUnknownError,
    StreamError,
    UnsupportedError,
    VenueUnavailableError,
)
from brokerwire.simulator import Simulator

# What is wrong is said at once, with what to do


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"venue": "nowhere"}, "there is no venue 'nowhere'; there are: binance"),
        ({"venue": None}, "BROKERWIRE_VENUE"),
        ({"environment": "prod"}, "live, paper, offline"),
        ({"endpoints": {"nonsense": "https://x"}}, "no endpoint 'nonsense'; it has: rest, stream, ws_api"),
        ({"endpoints": {"rest": "http://example.com"}}, "plaintext to another machine"),
        ({"endpoints": {"stream": "ws://10.0.0.1:80"}}, "plaintext to another machine"),
        ({"endpoints": {"rest": "https://example.com/api"}}, "no path"),
        ({"endpoints": {"rest": "https://user:canary@example.com"}}, "user name"),
        ({"endpoints": {"rest": "ftp://example.com"}}, "must look like"),
        ({"endpoints": {"rest": "https://example.com:notaport"}}, "not an address"),
        ({"endpoints": {"rest": "https://[::1"}}, "not an address"),
        ({"endpoints": {"rest": None}}, "endpoint 'rest'"),
        ({"settings": {"nonsense": 1}}, "no setting 'nonsense'; it has: trades"),
        ({"credentials": {"password": "x"}}, "no credential 'password'; it has: api_key, api_secret"),
        ({"credentials": {"api_key": 5}}, "api_key"),
        ({"max_concurrent_streams": 0}, "max_concurrent_streams"),
        ({"max_concurrent_streams": "3"}, "max_concurrent_streams"),
        ({"websocket": "picows"}, "picows"),
        ({"subscribe_timeout": 0}, "subscribe_timeout"),
        ({"connect_timeout": -1}, "connect_timeout"),
        ({"close_timeout": "5"}, "close_timeout"),
        ({"callback_timeout": 0}, "callback_timeout"),
        ({"proxy": "socks5://127.0.0.1:1"}, "proxy"),
        ({"proxy": "http://user:canary@:1"}, "proxy"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_to_do(options: dict[str, Any], message: str) -> None:
    venue = options.pop("venue", "binance")
    with pytest.raises(ConfigurationError) as caught:
        Client(venue, **options)
    assert message in str(caught.value)
    assert caught.value.action == "stop"
    assert "canary" not in str(caught.value)


def test_a_proxy_of_the_environment_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="proxy") as caught:
        Client("binance")
    assert "canary" not in str(caught.value)


async def test_missing_credentials_name_the_variable_and_nothing_is_asked() -> None:
    endpoints = {"rest": "http://127.0.0.1:1", "auth": "http://127.0.0.1:1"}
    async with Client("tradestation", endpoints=endpoints) as client:
        with pytest.raises(ConfigurationError, match=r"client_id: set TRADESTATION_CLIENT_ID"):
            await client.market_data.get_quotes("AAPL")
    async with Client("tradestation", endpoints=endpoints, credentials={"client_id": "c"}) as client:
        with pytest.raises(ConfigurationError, match=r"refresh_token: set TRADESTATION_REFRESH_TOKEN"):
            await client.market_data.get_quotes("AAPL")


async def test_an_address_that_is_absent_is_never_the_live_one() -> None:
    async with Client("binance", endpoints={"stream": "ws://127.0.0.1:1"}) as client:
        with pytest.raises(ConfigurationError, match="no address for the 'rest' endpoint of binance"):
            await client.market_data.get_quotes("BTCUSDT")


def test_the_environment_fills_in_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKERWIRE_VENUE", "BINANCE")
    monkeypatch.setenv("BINANCE_ENVIRONMENT", "testnet")
    client = Client()
    assert (client.venue, client.environment) == ("binance", "paper")
    assert repr(client) == "<Client binance paper>"


def test_a_venue_says_what_it_offers() -> None:
    client = Client("tradestation", environment="offline")
    assert client.capabilities["quotes"] == "stream"
    assert client.capabilities["balance_changes"] == "derived"
    assert client.capabilities["place_order"] == "request"
    assert "place_order" not in Client("binance").capabilities


def test_venues_are_described_for_those_who_choose() -> None:
    found = {row["venue"]: row for row in describe_venues()}
    assert found["binance"]["environments"] == ["live", "paper", "offline"]
    assert found["tradestation"]["credentials"]["client_id"] == "TRADESTATION_CLIENT_ID"
    assert "quotes" in found["binance"]["capabilities"]


async def test_what_a_venue_lacks_names_those_that_have_it() -> None:
    async with Client("binance", environment="offline") as client:
        with pytest.raises(UnsupportedError, match=r"binance does not offer place_order; .*tradestation"):
            await client.order_execution.place_order(symbol="BTCUSDT", side="buy", quantity=1)
        with pytest.raises(UnsupportedError, match="venues that do: none"):
            await client.market_data.stream_news("BTCUSDT")


# Beginning


async def test_offline_needs_nothing_and_reads_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"):
        monkeypatch.setenv(f"TRADESTATION_{name}", "canary-of-the-real-login")
    async with Client("tradestation", environment="offline") as client:
        assert client.tokens is None
        quotes = await client.market_data.get_quotes(["AAPL", "MSFT"])
        assert [quote.symbol for quote in quotes] == ["AAPL", "MSFT"]
        assert client.tokens is not None
        assert "canary" not in repr(client._credentials)
        assert client._credentials["client_id"].reveal() != "canary-of-the-real-login"


async def test_a_client_can_be_started_ahead_of_its_first_call() -> None:
    client = Client("tradingview", environment="offline")
    assert client.endpoints == {}
    try:
        await client.start()
        assert client.endpoints["stream"].startswith("ws://127.0.0.1:")
        with pytest.raises(TypeError):
            client.endpoints["stream"] = "ws://127.0.0.1:1"  # type: ignore[index]  # it is refused, which is the point
    finally:
        await client.close()
    with pytest.raises(StreamError, match="closed"):
        await client.start()
    assert Client("binance", environment="live").endpoints["rest"] == "https://api.binance.com"


async def test_many_first_calls_start_one_simulator(caplog: pytest.LogCaptureFixture) -> None:
    async with Client("binance", environment="offline") as client:
        with caplog.at_level(logging.INFO):
            found = await asyncio.gather(*(client.market_data.get_quotes("BTCUSDT") for _ in range(20)))
        assert len(found) == 20


async def test_a_first_call_that_fails_can_be_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with Simulator("tradestation", seed=7) as simulator:
        credentials = {**simulator.credentials, "refresh_token": ""}
        async with Client("tradestation", endpoints=simulator.endpoints, credentials=credentials) as client:
            with pytest.raises(ConfigurationError):
                await client.brokerage.get_accounts()
            browser = asyncio.create_task(client.log_in(_follow, port=_free_port()))
            await browser
            assert await client.brokerage.get_accounts()


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


_VISITS: list[asyncio.Task[None]] = []


def _follow(address: str) -> None:
    async def visit() -> None:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.get(address):
            return

    _VISITS.append(asyncio.create_task(visit()))


# Ending


def test_a_closed_client_says_so(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            subscription = await client.market_data.stream_quotes("BTCUSDT", lambda _: None)
            assert client.health()["streams"][0]["is_connected"]
            assert client.health()["subscriptions"][0]["state"] == "live"
            assert len(client.subscriptions) == 1
            await client.close()
            await client.close()
            assert subscription.state == "closed"
            assert client.health()["is_closed"]
            assert client.health()["streams"] == client.health()["subscriptions"] == []
            with pytest.raises(StreamError, match="the client is closed"):
                await client.market_data.stream_quotes("BTCUSDT", lambda _: None)
            with pytest.raises(StreamError, match="the client is closed"):
                await client.market_data.get_quotes("BTCUSDT")

    virtual(main)


async def test_a_client_that_was_never_used_closes() -> None:
    async with Client("binance"):
        pass
    async with Client("tradestation", environment="offline"):
        pass


def test_all_streams_can_be_closed_and_the_client_used_further(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"), max_concurrent_streams=1)
            for _ in range(3):
                subscription = await client.market_data.stream_trades("BTCUSDT", lambda _: None)
                await client.close_all_streams()
                assert subscription.state == "closed"
                assert client.streams.active_streams == ()
                await subscription.wait_closed()

    virtual(main)


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_closing_with_a_callback_that_hangs_ends_in_time(virtual: Any, offline: Any, is_stubborn: bool) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"), close_timeout=5)
            hanging = asyncio.Event()
            release = asyncio.Event()

            async def callback(_event: Any) -> None:
                hanging.set()
                while not release.is_set():
                    with contextlib.suppress(asyncio.CancelledError if is_stubborn else ZeroDivisionError):
                        await release.wait()

            await client.market_data.stream_quotes("BTCUSDT", callback)
            await hanging.wait()
            started = virtual.clock.monotonic()
            await client.close()
            assert virtual.clock.monotonic() - started <= 5.5
            release.set()
            await virtual.clock.sleep(1)

    virtual(main)


def test_closing_from_an_own_callback_works(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            closed = asyncio.Event()
            took: list[float] = []

            async def callback(_event: Any) -> None:
                if closed.is_set():
                    return
                started = virtual.clock.monotonic()
                await client.close()
                took.append(virtual.clock.monotonic() - started)
                closed.set()

            subscription = await client.market_data.stream_quotes("BTCUSDT", callback)
            async with asyncio.timeout(30):
                await closed.wait()
                await subscription.wait_closed()
            assert took[0] < 1

    virtual(main)


async def test_closing_while_the_client_starts_tells_those_who_wait() -> None:
    client = Client("tradestation", environment="offline")
    call = asyncio.create_task(client.market_data.get_quotes("AAPL"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await client.close()
    results = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(results[0], StreamError)
    assert not call.cancelled()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def silent(aiohttp_server: Any) -> AsyncIterator[dict[str, str]]:
    """Endpoints that accept everything and answer nothing."""
    release = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = await aiohttp_server(app)
    address = str(server.make_url("")).rstrip("/")
    yield {"rest": address, "stream": address.replace("http", "ws", 1)}
    release.set()


@pytest.mark.parametrize("call", ["get_quotes", "stream_quotes"])
async def test_closing_while_a_request_is_under_way_ends_it_with_an_error(silent: dict[str, str], call: str) -> None:
    client = Client("binance", endpoints=silent)
    waiting = asyncio.create_task(getattr(client.market_data, call)("BTCUSDT"))
    await _until(lambda: client._http._session is not None and bool(client._http._session.connector._acquired))  # type: ignore[union-attr]  # it is there
    async with asyncio.timeout(6):
        await client.close()
        results = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(results[0], BrokerwireError)
    assert client._http._session is None


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # what it looks at sends no event
            await asyncio.sleep(0)


async def test_closing_while_a_stream_is_dialled_ends_the_call_with_an_error(aiohttp_server: Any) -> None:
    dialled, release = asyncio.Event(), asyncio.Event()

    async def rest(_request: web.Request) -> web.Response:
        return web.json_response({"symbols": [{"symbol": "BTCUSDT"}]})

    async def stream(_request: web.Request) -> web.Response:
        dialled.set()
        await release.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/stream", stream)
    app.router.add_get("/{path:.*}", rest)
    address = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    client = Client("binance", endpoints={"rest": address, "stream": address.replace("http", "ws", 1)})
    opening = asyncio.create_task(client.market_data.stream_quotes("BTCUSDT", print))
    await asyncio.wait_for(dialled.wait(), 5)
    async with asyncio.timeout(5):
        await client.close()
        results = await asyncio.gather(opening, return_exceptions=True)
    release.set()
    assert isinstance(results[0], StreamError)
    assert client.streams.active_streams == ()


def test_closing_while_an_order_is_under_way_leaves_its_outcome_unknown(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            await client.brokerage.get_accounts()
            simulator.faults.set("silent_accept")
            placing = asyncio.create_task(
                client.order_execution.place_order(symbol="AAPL", side="buy", quantity=1, client_order_id="mine")
            )
            await virtual.clock.sleep(1)
            await client.close()
            results = await asyncio.gather(placing, return_exceptions=True)
            simulator.faults.clear()
            assert isinstance(results[0], OrderOutcomeUnknownError | StreamError | VenueUnavailableError)

    virtual(main)


# Secrets


def test_no_secret_of_a_login_shows_anywhere(
    virtual: Any, offline: Any, canaries: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []

    async def use(client: Client, simulator: Simulator) -> None:
        subscription = await client.market_data.stream_quotes("AAPL", lambda _: None)
        shown.extend((repr(client), repr(vars(client)), repr(client.health()), repr(subscription), repr(client.tokens)))
        for fault in ("reject_auth:401", "reject_auth:403", "token_down:500", "token_down:garbage", "refuse"):
            simulator.faults.set(fault)
            simulator.connections.drop()
            try:
                assert client.tokens is not None
                await client.tokens.refresh(client.tokens.current)
                await client.market_data.get_quotes("AAPL")
            except BrokerwireError as exc:
                shown.append("".join(traceback.format_exception(exc)) + repr(exc) + repr(exc.facts))
            await virtual.clock.sleep(3)
            simulator.faults.clear()

    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator, credentials=canaries)
            await use(client, simulator)
            assert client.tokens is not None
            token = client.tokens.current
            assert token is not None
            assert token.reveal() not in "".join(shown)
            assert token.reveal() not in caplog.text

    with caplog.at_level(logging.DEBUG, "brokerwire"):
        virtual(main)
    assert "canary" not in "".join(shown)
    assert "canary" not in caplog.text
    assert len(shown) > 6


def test_credentials_cannot_be_pickled() -> None:
    client = Client("tradestation", environment="offline", credentials={"client_id": "canary"})
    with pytest.raises(TypeError, match="Secret"):
        pickle.dumps(client._credentials)


def test_a_refused_login_is_an_authentication_error_without_repetition(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator)
            await client.brokerage.get_accounts()
            simulator.faults.set("reject_auth:401")
            before = len(simulator.journal.entries(None))
            with pytest.raises(AuthenticationError):
                await client.brokerage.get_accounts()
            assert client.tokens is not None
            assert client.tokens.refresh_count <= 2
            assert len(simulator.journal.entries(None)) - before <= 8

    virtual(main)
